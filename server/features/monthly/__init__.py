"""The monthly report: two pages of a month that the hub has published, for ministries and the public."""
