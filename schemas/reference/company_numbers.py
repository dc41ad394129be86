"""What companies' bare numbers look like where payment systems take them for aliases too, as regular expressions."""

CNPJ = r"[A-Z\d]{12}\d{2}"
UEN = r"(?:\d{8,9}|[RST]\d{2}[A-Z]{2}\d{4})[A-Z]"
# The year, a sort of company and six digits; and the older form, which is still in use.
MALAYSIAN = r"(?:19[4-9]\d|20[0-4]\d)0[1-6]\d{6}"
MALAYSIAN_OLDER = r"\d{4,7}[A-Z]"
