"""Files of evidence about reports and cases."""
