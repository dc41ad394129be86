"""Banks and their accounts, country by country: forms of numbers, codes and names of banks."""
