"""An HTML file as PDF, printed by a Chrome on this machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from core.errors import UserError
from core.export.image import browser_path

PATIENCE = 120.0  # seconds


def printed(html: str) -> bytes:
    """The document as a PDF.

    Raises:
        UserError: there is no Chrome, or it could not print.
    """
    chrome = browser_path()
    if chrome is None:
        raise UserError("This server has no Chrome to print with.", next_step="Print the HTML file from your browser.")
    with tempfile.TemporaryDirectory() as place:
        page, pdf = Path(place, "report.html"), Path(place, "report.pdf")
        page.write_text(html, encoding="utf-8")
        flags = [
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--no-pdf-header-footer",
            f"--user-data-dir={place}/p",
        ]
        flags += ["--disable-background-networking", "--virtual-time-budget=20000", f"--print-to-pdf={pdf}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")  # Chrome refuses to run as root with one
        try:
            subprocess.run([chrome, *flags, page.as_uri()], capture_output=True, timeout=PATIENCE, check=True)
            return pdf.read_bytes()
        except (subprocess.SubprocessError, OSError) as error:
            raise UserError(f"Chrome could not print the report ({type(error).__name__}).") from error
