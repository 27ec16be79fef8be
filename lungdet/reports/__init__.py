"""Findings as files: JSON with a schema, CSV in LUNA16's form, PNG pictures, and a page to read. No torch."""

from .atomic import write_files
from .csv_file import reports_to_csv, source_name, write_csv
from .html_file import report_to_html, write_html
from .json_file import (
    FindingsFileError,
    load_schema,
    read_json,
    report_from_json,
    report_to_json,
    time_stamp,
    write_json,
)
from .label_files import label_line, labels_to_csv, labels_to_json
from .lung_sheet import lung_sheet
from .output_folder import prepare_output
from .picture_files import draw_pictures, write_png
from .route_manifest import manifest_files, manifest_to_csv, manifest_to_parquet
from .route_page import files_to_show, route_to_html
from .study import series_digest, study_folder_name, write_study
from .text_table import report_to_text
from .thumbnail import thumbnail

__all__ = [
    "FindingsFileError",
    "draw_pictures",
    "files_to_show",
    "label_line",
    "labels_to_csv",
    "labels_to_json",
    "load_schema",
    "lung_sheet",
    "manifest_files",
    "manifest_to_csv",
    "manifest_to_parquet",
    "prepare_output",
    "read_json",
    "report_from_json",
    "report_to_html",
    "report_to_json",
    "report_to_text",
    "reports_to_csv",
    "route_to_html",
    "series_digest",
    "source_name",
    "study_folder_name",
    "thumbnail",
    "time_stamp",
    "write_csv",
    "write_files",
    "write_html",
    "write_json",
    "write_png",
    "write_study",
]
