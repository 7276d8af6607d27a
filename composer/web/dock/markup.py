"""Small pieces of HTML for the dock. Every text goes through ``escape``: nothing from a graph becomes markup."""

import json
from collections.abc import Iterable, Sequence
from html import escape

import gradio as gr

from composer.web.payloads import FixView, ProblemView
from composer.web.runs import Progress

__all__ = ["bar_list", "hint", "html_block", "problem_list", "progress_bar", "table"]


def html_block(elem_id: str, value: str = "", classes: str = "") -> gr.HTML:
    """A place for what the functions below give."""
    return gr.HTML(value, elem_id=elem_id, elem_classes=f"dock-html {classes}".strip(), apply_default_css=False)


def hint(text: str, kind: str = "soft") -> str:
    """A sentence; ``kind`` is soft, good, warning or error."""
    return f'<p class="dock-hint dock-{escape(kind)}">{escape(text)}</p>' if text else ""


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = (), total: Sequence[str] = ()
) -> str:
    """A table.

    Args:
        head: Names of the columns.
        rows: Their cells.
        right: Columns of numbers.
        total: The last line.
    """
    sides = ["dock-right" if name in right else "" for name in head]

    def line(cells: Sequence[str], tag: str = "td") -> str:
        pairs = zip(cells, sides, strict=True)
        inside = "".join(f'<{tag} class="{side}">{escape(cell)}</{tag}>' for cell, side in pairs)
        return f"<tr>{inside}</tr>"

    body = "".join(map(line, rows))
    foot = f"<tfoot>{line(total)}</tfoot>" if total else ""
    return f'<table class="dock-table"><thead>{line(head, "th")}</thead><tbody>{body}</tbody>{foot}</table>'


def bar_list(title: str, entries: Sequence[tuple[str, float, str]]) -> str:
    """Bars with names and values.

    Args:
        title: What they show.
        entries: Name, size and the size in words of each.
    """
    most = max((size for _, size, _ in entries), default=0) or 1
    lines = "".join(
        f'<li><span class="dock-bar-name" title="{escape(name)}">{escape(name)}</span>'
        f'<span class="dock-bar-track"><span class="dock-bar" style="width: {100 * size / most:.2f}%"></span></span>'
        f'<span class="dock-bar-size">{escape(text)}</span></li>'
        for name, size, text in entries
    )
    return f'<figure class="dock-bars"><figcaption>{escape(title)}</figcaption><ul>{lines}</ul></figure>'


def progress_bar(progress: Progress) -> str:
    """What a worker is doing."""
    share = 100 * progress.done / progress.total if progress.total else 0
    known = f' aria-valuenow="{share:.0f}"' if progress.total else ""
    kind = "dock-progress" if progress.total else "dock-progress dock-unknown"
    text = f"{progress.doing} {progress.node}" if progress.node else progress.doing
    count = f" ({progress.done + 1} of {progress.total})" if progress.total else ""
    return (
        f'<div class="dock-working" role="status"><span>{escape(text + count)}</span>'
        f'<div class="{kind}" role="progressbar" aria-label="{escape(text)}"{known}>'
        f'<div style="width: {share:.1f}%"></div></div></div>'
    )


def problem_list(problems: Sequence[ProblemView], lines: Sequence[str] = ()) -> str:
    """Problems, each with its line where it has one, and what to do.

    Args:
        problems: The problems.
        lines: The lines of the text that they are about.
    """
    return f'<ul class="dock-problems">{"".join(_problem(item, lines) for item in problems)}</ul>' if problems else ""


def _fix(fix: FixView, *, opened: bool) -> str:
    """A button that applies the repair to what is open on the canvas; words where the problem is not about that."""
    if not fix.edits or not opened:
        return f'<div class="dock-fix">To mend it: {escape(fix.words)}</div>'
    edits = escape(json.dumps({"message": fix.words, "edits": [edit.model_dump() for edit in fix.edits]}))
    return f'<button type="button" class="dock-fix-button" data-fix="{edits}">Fix: {escape(fix.words)}</button>'


def _problem(item: ProblemView, lines: Sequence[str]) -> str:
    where = f'<span class="dock-line">line {item.line}</span>' if item.line else ""
    known = item.line is not None and 0 < item.line <= len(lines)
    text = f"<code>{escape(lines[item.line - 1].strip()[:160])}</code>" if known and item.line else ""
    subject = f"<b>{escape(item.place)}</b>" if item.place and not text else ""
    fix = _fix(item.fix, opened=not lines) if item.fix else ""
    first, _, more = item.message.partition("\n")
    message = escape(first) + (f"<pre>{escape(more)}</pre>" if more else "")
    kind = "dock-error" if item.severity == "error" else "dock-warning"
    return (
        f'<li class="{kind}"><div>{where}{text}{subject}<span class="dock-code">{escape(item.code)}</span></div>'
        f"<div>{message}</div>{fix}</li>"
    )
