"""Files of reports that a partner stores in a folder, here or on another machine."""

from typing import ClassVar

from feeds.runs.file_reading import FileSettings, FilesPull
from feeds.runs.folder_reading import FolderPull, FolderSettings


class FilePullSettings(FolderSettings, FileSettings):
    """A folder to read completely, or a pattern such as ``reports/**/*.csv``, and defaults for the rows."""


class FilePull(FilesPull[FilePullSettings], FolderPull[FilePullSettings]):
    """Reads each file once, the oldest first, and continues in the middle of a partly read file.

    A file is read again when its settings or column names have changed.

    Links, hidden files and unfinished files (``.part``, ``.tmp``) are ignored, and so is everything outside the folder.
    A damaged file is read as far as possible. The damage counts as one rejection, and is retried only after the file
    changes.
    """

    name: ClassVar[str] = "file-pull"
    settings_model = FilePullSettings
