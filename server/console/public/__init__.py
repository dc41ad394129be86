"""The pages for anybody."""
