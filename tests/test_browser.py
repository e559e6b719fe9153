"""Reports in a browser without network: errors, requests, tooltips, narrow and wide screens, and print."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from leukotype import results
from leukotype.cohort import Cohort
from leukotype.figures import of_part
from leukotype.resampling import Design
from report_cases import HOSTILE, cohort, evaluation, hostile_cohort, with_inference

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="no Chromium here: apt-get install chromium"),
]
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ),
)
SIZES = {"AML": 12, "Bone_Marrow": 9, "PB": 8, "PBSC_CD34": 10}
SKILLS = {"logistic": 5.0, "knn": 2.0, "svm": 3.0, "majority": 0.0, "single-probe": 1.0}
DRAWN = (*(figure.name for figure in (*of_part("data"), *of_part("evaluation"))), "stability")


@dataclass
class Opened:
    """An open page with its messages and requests."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def draw_all(self) -> None:
        """Scroll through the page until every figure with tooltips is drawn."""
        for figure in self.page.query_selector_all("figure[data-spec]"):
            figure.scroll_into_view_if_needed()
        waiting = "!document.querySelector('figure[data-spec]:not(.drawn)')"
        self.page.wait_for_function(waiting, timeout=60_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BINARY, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = evaluation(cohort(SIZES, simulated=True), SKILLS, design=Design(3, 2, 2, 0))
    return results.write_report(with_inference(study), tmp_path_factory.mktemp("browser") / "report.html")


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    contexts = []

    def go(path: Path, *, width: int = 1280, script: bool = True) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, accept_downloads=True
        )
        contexts.append(context)
        context.set_offline(True)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda message: opened.messages.append(f"{message.type}: {message.text}"))
        opened.page.on("pageerror", lambda error: opened.messages.append(f"error: {error}"))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri())
        return opened

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [400, 1600])
def test_the_page_is_complete_without_network_at_both_widths(visit: Any, report: Path, width: int) -> None:
    opened = visit(report, width=width)
    opened.draw_all()
    assert [message for message in opened.messages if message.startswith("error")] == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [report.as_uri()]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.page.title().startswith("SIMULATED DATA · Study of")
    contents = opened.page.evaluate("document.querySelector('.contents details').open")
    assert contents is (width > 1000), "on a narrow screen the contents are closed"
    small = opened.page.evaluate(_SMALLEST)
    assert small >= 12, "text of the page itself is at least 12 px high"
    broken = "[...document.images].filter(image => image.naturalWidth === 0).length"
    assert opened.page.evaluate(broken) == 0


_SMALLEST = """() => Math.min(...[...document.querySelectorAll("p, td, th, dd, dt, li, figcaption, summary, a")]
  .filter(element => element.getClientRects().length && element.textContent.trim())
  .map(element => parseFloat(getComputedStyle(element).fontSize)))"""


def test_open_details_fit_a_narrow_screen(visit: Any, report: Path) -> None:
    opened = visit(report, width=400)
    opened.page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true; })")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(
    ("name", "mark", "expected"),
    [
        ("pca", "path[aria-roledescription='circle'], .mark-symbol path", ["Sample", "Class"]),
        ("confusion", ".mark-rect path", ["True class"]),
        ("comparison", ".mark-symbol path", ["Model", "95 % interval from"]),
    ],
)
def test_tooltips_describe_marks(visit: Any, report: Path, name: str, mark: str, expected: list[str]) -> None:
    opened = visit(report)
    opened.draw_all()
    figure = opened.page.locator(f"figure[data-spec='spec-{name}']")
    figure.scroll_into_view_if_needed()
    figure.locator(mark).first.hover(force=True)
    tooltip = opened.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=5_000)
    text = tooltip.inner_text()
    for part in expected:
        assert part in text


def test_every_figure_is_interactive(visit: Any, report: Path) -> None:
    opened = visit(report)
    opened.draw_all()
    names = opened.page.evaluate("[...document.querySelectorAll('figure.drawn')].map(f => f.dataset.spec)")
    assert set(names) == {f"spec-{name}" for name in DRAWN}
    for name in names:
        still, live = (
            opened.page.locator(f"figure[data-spec='{name}'] {part}").evaluate(
                "e => getComputedStyle(e).display"
            )
            for part in (".still", ".live")
        )
        assert (still, live) == ("none", "block")


def test_without_scripts_static_pictures_are_shown(visit: Any, report: Path) -> None:
    opened = visit(report, script=False)
    sizes = opened.page.locator("img.still").evaluate_all(
        "all => all.map(i => [i.offsetWidth, i.offsetHeight])"
    )
    assert len(sizes) == len(DRAWN)
    assert all(width > 100 and height > 50 for width, height in sizes)
    assert opened.page.locator("main").inner_text().count("Numbers behind this figure") == len(DRAWN)


def test_names_are_never_markup(visit: Any, tmp_path: Path) -> None:
    study = evaluation(hostile_cohort(), {"logistic": 2.0, HOSTILE: 1.0, "majority": 0.0}, notes=[HOSTILE])
    opened = visit(results.write_report(study, tmp_path / "hostile.html", command=HOSTILE))
    dialogs: list[str] = []
    opened.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    opened.draw_all()
    for name in ("pca", "confusion", "samples", "class-counts", "intensity"):
        figure = opened.page.locator(f"figure[data-spec='spec-{name}']")
        figure.scroll_into_view_if_needed()
        figure.locator(".role-mark path").first.hover(force=True)
        opened.page.wait_for_timeout(150)
    assert dialogs == []
    assert HOSTILE in opened.page.title()
    assert opened.page.title() != "owned"
    assert [message for message in opened.messages if message.startswith("error")] == []
    assert [url for url in opened.requests if not url.startswith("data:")] == [
        (tmp_path / "hostile.html").as_uri()
    ]
    assert opened.page.locator("script").count() == 2 + len(
        opened.page.query_selector_all("figure[data-spec]")
    )


def test_an_injected_script_does_not_run(visit: Any, report: Path, tmp_path: Path) -> None:
    # If the escaping failed, the content policy would still block the script.
    text = report.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    injected = (
        '<script>document.title = "owned"</script><img src="http://127.0.0.1:9/x.png" onerror="alert(1)">'
    )
    broken.write_text(text.replace("<main>", f"<main>{injected}", 1), encoding="utf-8")
    opened = visit(broken)
    assert opened.page.title() != "owned"
    assert any("Content Security Policy" in message for message in opened.messages)


def test_numbers_are_saved_as_csv(visit: Any, report: Path) -> None:
    opened = visit(report)
    opened.page.locator("#figure-class-counts ~ details.numbers > summary").click()
    with opened.page.expect_download(timeout=10_000) as waiting:
        opened.page.locator("a[download='class-counts.csv']").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == "class-counts.csv"
    assert text.startswith("class,samples")
    assert "AML,12" in text


def test_print_shows_every_figure_without_controls(visit: Any, report: Path, tmp_path: Path) -> None:
    opened = visit(report)
    opened.draw_all()
    opened.page.emulate_media(media="print")
    for selector, shown in (
        (".contents", False),
        ("img.still", True),
        (".live", False),
        ("details.numbers", False),
    ):
        visible = opened.page.locator(selector).evaluate_all(
            "all => all.map(e => e.getClientRects().length > 0)"
        )
        assert visible
        assert all(state is shown for state in visible), selector
    opened.page.emulate_media(media=None)
    opened.page.pdf(path=str(tmp_path / "report.pdf"), prefer_css_page_size=True)
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True
        ).stdout
        for part in ("SIMULATED DATA", "Balanced accuracy", "Methods", "Provenance"):
            assert part in text


def test_an_exploration_opens_without_errors(visit: Any, tiny_cohort: Cohort, tmp_path: Path) -> None:
    path = results.write_report(tiny_cohort, tmp_path / "look.html")
    opened = visit(path, width=400)
    opened.draw_all()
    assert [message for message in opened.messages if message.startswith("error")] == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 400
