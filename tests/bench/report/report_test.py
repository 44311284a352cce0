# SPDX-License-Identifier: GPL-2.0-only
"""The report as a reader gets it: text, page, and what other tools load."""
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from html.parser import HTMLParser
from pathlib import Path

import synthetic
from synthetic import Truth

from bench.report import cli, text, timeline
from bench.report.compare import Options, compare
from bench.report.load import load_run
from bench.report.review import answers

TOP = Path(__file__).resolve().parents[3]
COMPARE_PY = Path("/usr/share/benchmark/compare.py")
VOID = {"meta", "br", "img", "link", "hr", "input"}
# Draws boxes around every chart and table, and writes what it finds wrong.
PROBE = """<script>
document.querySelectorAll('details').forEach(d => d.open = true);
const wrong = [];
let charts = 0, tables = 0;
document.querySelectorAll('svg').forEach(s => {
  const box = s.getBoundingClientRect();
  charts++;
  if (box.width < 300 || box.height < 40) wrong.push('small chart');
  if (!s.getAttribute('aria-label')) wrong.push('chart without a name');
  s.querySelectorAll('text').forEach(t => {
    const b = t.getBoundingClientRect();
    if (b.left < box.left - 2 || b.right > box.right + 2)
      wrong.push('text outside its chart: ' + t.textContent);
  });
});
document.querySelectorAll('table').forEach(t => {
  tables++;
  if (t.rows.length < 2) wrong.push('empty table');
  if (t.scrollWidth > document.body.clientWidth) wrong.push('wide table');
});
const ink = getComputedStyle(document.body);
document.body.innerHTML = '<pre id="found">' + JSON.stringify({charts, tables,
  wrong, ink: ink.color, paper: ink.backgroundColor}) + '</pre>';
</script>"""


class Balance(HTMLParser):
    """Are all elements closed, in order, and all ids different?"""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [v for k, v in attrs if k == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((tag, self.getpos()))


def script(name, *args, env=None):
    return subprocess.run(
        [TOP / "scripts" / name, *args], text=True,
        capture_output=True, check=False, env={**os.environ, **(env or {})})


class Reported(unittest.TestCase):
    """One report on one run that has something of everything."""

    @classmethod
    def setUpClass(cls):
        cls.top = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.top)
        truth = Truth(workloads=("lookup/own", "lookup/hot",
                                 "repair_storm/1000"),
                      latency=True, floor=True)
        cls.folder = synthetic.write(cls.top / "run", truth)
        cls.status = script("report", cls.folder)
        cls.text, cls.page, cls.json = (
            (cls.folder / "report" / name).read_text() for name in
            ("report.txt", "report.html", "benchmark.json"))

    def test_says_what_it_wrote(self):
        self.assertEqual(self.status.returncode, 0, self.status.stderr)
        self.assertIn("report.html", self.status.stdout)

    # --- text ------------------------------------------------------------

    def test_columns(self):
        self.assertLessEqual(max(map(len, self.text.splitlines())), 72)
        self.assertTrue(self.text.isascii())
        self.assertNotRegex(self.text, r"(?m) $")

    def test_sections(self):
        for words in ("Correctness", "Cost: verdicts",
                      "The questions of the review", "What broke",
                      "Can this be believed?", "Waits",
                      "Machine and design", "To reproduce"):
            self.assertRegex(self.text, rf"(?m)^{re.escape(words)}")

    def test_verdict_row(self):
        self.assertRegex(self.text, r"(?m)^  remove_on_stale +slower +1\.0\d\d"
                         r" +\[1\.0\d\d,1\.0\d\d\] +\S+ +\S+ +12$")

    def test_repairs_are_told_in_time(self):
        """A ratio to a short repair would be no result."""
        rows = self.text[self.text.index("repair_storm/1000, 2 threads"):]
        rows = rows[:rows.index("Ratio:")]
        self.assertIn("a repair takes 4", rows)
        self.assertRegex(rows, r"(?m)^  remove_on_stale +slower +\+2\.\d\d ns"
                         r" +\[\d\.\d\d,\d\.\d\d\] \S+ +12$")
        self.assertIn("20.0 ms waited for each, 0.000600 ms a",
                      " ".join(rows.split()))
        self.assertRegex(self.page, r"\+2\.\d\d ns")
        self.assertIn("ms per operation more than none", self.page)

    def test_no_kernel_is_said(self):
        for content in (self.text, self.page):
            self.assertIn("No run of the kernel is beside this one",
                          " ".join(content.split()))

    def test_no_place_of_this_machine(self):
        for content in (self.text, self.page, self.json):
            self.assertNotIn(str(self.top), content)
            self.assertNotIn("/somewhere/else", content)

    def test_what_the_machine_did(self):
        for words in ("migrations of threads     12 in all blocks",
                      "huge pages: the same before and", "CRC-64"):
            self.assertIn(words, self.text)
        folder = synthetic.write(self.top / "switched", Truth())
        synthetic.edit(folder / "block-0004.json", lambda d: d["after"]
                       ["settings"].update(turbo="off"))
        script("report", folder)
        self.assertIn("CHANGED: turbo: on, then off",
                      (folder / "report" / "report.txt").read_text())

    def test_the_floor_is_no_implementation(self):
        self.assertNotRegex(self.text, r"(?m)^null ")
        self.assertNotIn('<td class="fix">null', self.page)

    def test_twin_is_shown_beside(self):
        self.assertEqual(len(re.findall(r"(?m)^  none_twin +\(A/A\)",
                                        self.text)), 3)

    # --- page ------------------------------------------------------------

    def test_well_formed(self):
        page = Balance()
        page.feed(self.page)
        self.assertEqual((page.wrong, page.open), ([], []))
        self.assertEqual(len(page.ids), len(set(page.ids)))

    def test_needs_nothing_else(self):
        self.assertNotRegex(self.page, r"https?:|//[a-z]|@import|<script")
        links = set(re.findall(r'(?:href|src)="([^"]*)"', self.page))
        links |= set(re.findall(r"url\(([^)]*)\)", self.page))
        self.assertEqual([x for x in links if not x.startswith("#")], [])
        for link in links:
            self.assertIn(f'id="{link[1:]}"', self.page)

    def test_no_colour_is_left_to_matplotlib(self):
        charts = "".join(re.findall(r"<svg.*?</svg>", self.page, re.DOTALL))
        self.assertEqual(set(re.findall(r"#[0-9a-f]{6}\b", charts)), set())
        used = set(re.findall(r"var\((--[\w-]+)\)", self.page))
        for name in used - {"--c"}:
            self.assertIn(f"{name}:", self.page)

    def test_says_how_to_see_it_again(self):
        again = synthetic.TIMELINE.splitlines()[-1]
        self.assertIn(f"\n  {again}\n", self.text)
        self.assertTrue(f"<code>{again}</code>" in html.unescape(self.page))
        # It is no event, and the other violation has none.
        self.assertEqual(self.text.count("--replay"), 1)

    def test_names_are_escaped(self):
        folder = synthetic.write(self.top / "escape", Truth(
            fixes={"<b>&": 1.0}, host="<i>"))
        self.assertEqual(script("report", folder).returncode, 0)
        page = (folder / "report" / "report.html").read_text()
        self.assertNotIn("<b>&", page)

    def probe(self, dark, page=None):
        copy = self.top / "probe.html"
        copy.write_text((page or self.page).replace("</body>",
                                                    PROBE + "</body>"))
        found = subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={self.top}/chromium",
             "--window-size=1200,900",
             f"--blink-settings=preferredColorScheme={0 if dark else 1}",
             "--dump-dom", copy.as_uri()],
            capture_output=True, text=True, check=True, timeout=900).stdout
        return json.loads(re.search(r'<pre id="found">(.*?)</pre>',
                                    found).group(1))

    def test_in_a_browser(self):
        light, dark = self.probe(False), self.probe(True)
        self.assertEqual(light["wrong"], [])
        # 2 of ratios, 2 of latencies, waits, story, 2 of the twin, drift,
        # machine.
        self.assertEqual((light["charts"], dark["charts"]), (10, 10))
        self.assertGreaterEqual(light["tables"], 6)
        self.assertEqual((light["ink"], light["paper"]),
                         ("rgb(27, 31, 36)", "rgb(255, 255, 255)"))
        self.assertEqual((dark["ink"], dark["paper"]),
                         ("rgb(230, 233, 237)", "rgb(20, 23, 27)"))

    def test_a_browser_sees_what_is_wrong(self):
        """What test_in_a_browser looks for is found when it is there."""
        broken = re.sub(r"<text ", '<text x="9999" ', self.page, count=1)
        broken = re.sub(r"(<table[^>]*>).*?(</table>)", r"\1\2", broken,
                        count=1, flags=re.DOTALL)
        broken = re.sub(r' aria-label="[^"]*"', "", broken, count=1)
        wrong = " ".join(self.probe(False, broken)["wrong"])
        for words in ("outside its chart", "empty table", "without a name"):
            self.assertIn(words, wrong)

    # --- what it does to files -------------------------------------------

    def test_same_results_same_report(self):
        again = self.top / "again"
        self.assertEqual(script("report", self.folder, "--out",
                                again).returncode, 0)
        for name in ("report.txt", "report.html", "benchmark.json"):
            self.assertEqual((again / name).read_bytes(),
                             (self.folder / "report" / name).read_bytes())

    def test_overwrites_nothing(self):
        found = script("report", self.folder)
        self.assertEqual(found.returncode, 2)
        self.assertIn("would be overwritten", found.stderr)

    def test_long_names_are_whole(self):
        """One of 22 letters, and its neighbours with the same beginning."""
        name = "delwri_queue_here_drop"
        folder = synthetic.write(self.top / "long", Truth(
            fixes={name: 1.0, "delwri_queue_here": 1.0}, latency=True,
            workloads=("lookup/own", "repair_storm/1"),
            perf={f"count-{i}": 1.0 for i in range(7)}))
        self.assertEqual(script("report", folder).returncode, 0)
        text = (folder / "report" / "report.txt").read_text()
        self.assertLessEqual(max(map(len, text.splitlines())), 72)
        self.assertNotRegex(text, rf"{name[:18]}(d|dr|dro)?( |$)")
        # Matrix, verdicts, latencies, waits, counters.
        self.assertGreaterEqual(len(re.findall(rf"(?m)^ *{name}", text)), 9)

    def test_several_runs(self):
        other = synthetic.write(self.top / "far", Truth(
            workloads=("lookup/own",), threads=4))
        one = synthetic.write(self.top / "near", Truth(
            workloads=("lookup/own",)))
        out = self.top / "both"
        found = script("report", one, other, "--across", "threads", "--out",
                       out)
        self.assertEqual(found.returncode, 0, found.stderr)
        text = (out / "report.txt").read_text()
        self.assertIn("R2, 4 threads", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 72)
        self.assertIn("Time per operation against threads",
                      (out / "report.html").read_text())

    def test_caches_are_not_compared(self):
        runs = [synthetic.write(self.top / f"cache-{i}", Truth(), i)
                for i in range(2)]
        for path in runs[1].glob("block-*.json"):
            synthetic.edit(path, lambda d: d.update(cache="7.3"))
        found = script("compare", *runs)
        self.assertEqual(found.returncode, 2)
        self.assertIn("differ in cache (7.3 and 6.12)", found.stderr)
        self.assertEqual(script("report", runs[1]).returncode, 0)
        self.assertRegex((runs[1] / "report" / "report.txt").read_text(),
                         r"(?m)^cache +Linux 7\.3's$")

    def test_several_machines(self):
        """Ratios beside each other, and not one time."""
        runs = [synthetic.write(self.top / name, Truth(
                    workloads=("lookup/own",), latency=True, model=name),
                    seed)
                for seed, name in enumerate(("Here", "There"))]
        synthetic.edit(runs[1] / "verify.json", lambda d: d["fixes"]
                       ["remove_on_stale"].update(
                           reread=synthetic.cell("violated")))
        out = self.top / "machines"
        found = script("report", *runs, "--out", out)
        self.assertEqual(found.returncode, 0, found.stderr)
        text, page = ((out / name).read_text()
                      for name in ("report.txt", "report.html"))
        for words in ("There", "R1, 2 threads", "R2, 2 threads",
                      "R2: remove_on_stale, reread: no (above: ok)"):
            self.assertIn(words, text)
        for content in (text, page):
            self.assertIn("times of several machines", content)
            # But for the steps of what broke.
            shown = re.sub(r"(150|151).1 ms|5.1 ms after|150.5 ms", "",
                           content)
            self.assertNotRegex(shown, r"\d (ns|us|ms)\b")
        self.assertFalse((out / "benchmark.json").exists())

    # --- other tools -----------------------------------------------------

    def test_google_benchmark(self):
        names = {b["name"] for b in json.loads(self.json)["benchmarks"]}
        self.assertIn("lookup/own/none", names)

    def test_its_compare_loads_it(self):
        path = self.folder / "report" / "benchmark.json"
        found = subprocess.run(
            [sys.executable, COMPARE_PY, "--no-color", "filters", path,
             "lookup/own/none", "lookup/own/remove_on_stale"],
            capture_output=True, text=True, check=False)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertIn("[lookup/own/none vs. lookup/own/remove_on_stale]",
                      found.stdout)


class Commands(unittest.TestCase):
    def setUp(self):
        self.top = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.top)

    def test_compare(self):
        found = script("compare", synthetic.write(self.top / "a", Truth()))
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertLessEqual(max(map(len, found.stdout.splitlines())), 72)
        self.assertIn("slower", found.stdout)

    def test_refusal(self):
        found = script("compare", self.top)
        self.assertEqual(found.returncode, 2)
        self.assertEqual(len(found.stderr.splitlines()), 1)

    def test_bad_options(self):
        parser = cli.parser("compare", "")
        for option in ("--delta=2", "--alpha=x", "--across=colour"):
            with (self.assertRaises(SystemExit) as caught,
                  redirect_stderr(io.StringIO())):
                parser.parse_args(["run", option])
            self.assertEqual(caught.exception.code, 2)
        self.assertEqual(parser.parse_args(["run", "--delta=1%"]).delta,
                         0.01)

    def test_void_run(self):
        folder = synthetic.write(self.top / "a", Truth())
        synthetic.edit(folder / "block-0001.json", lambda d: d["rows"][1]
                       .update(checked=5, violated=1))
        found = script("compare", folder)
        self.assertEqual(found.returncode, 1)
        self.assertIn("AN INVARIANT BROKE", found.stdout)
        self.assertNotIn("slower", found.stdout)

    def test_libraries_missing(self):
        folder = synthetic.write(self.top / "a", Truth())
        for name in ("scipy", "matplotlib"):
            (self.top / f"{name}.py").write_text(
                f"raise ImportError('no {name}')\n")
            found = script("report", folder,
                           env={"PYTHONPATH": str(self.top)})
            self.assertEqual(found.returncode, 2)
            self.assertIn(f"no {name}: see what scripts/setup report says",
                          found.stderr)
            (self.top / f"{name}.py").unlink()


class Cells(unittest.TestCase):
    def test_waits_fit(self):
        for ns, shown in ((0, "0"), (0.001, "<.01 ns"), (0.0845, "0.08 ns"),
                          (0.549, "0.55 ns"), (1.5, "1.50 ns"),
                          (5.1e10, "51.0 s")):
            self.assertEqual(text.wait_cell(ns), shown)


class Evidence(unittest.TestCase):
    def test_timeline(self):
        events = timeline.events_of(synthetic.TIMELINE)
        self.assertEqual(len(events), 13)
        self.assertEqual([e.actor for e in events[:5]],
                         ["AIL", "AIL", "AIL", "Repair0", "Repair0"])
        unlocked = events[7]
        self.assertEqual(
            (unlocked.actor, unlocked.step, unlocked.flags, unlocked.linked,
             unlocked.locked), ("log", "unlocks X", "-S-", True, False))
        self.assertIsNone(events[2].flags)

    def test_no_timeline(self):
        self.assertEqual(timeline.events_of("nothing was left"), [])

    def review(self, **options):
        with tempfile.TemporaryDirectory() as top:
            folder = synthetic.write(Path(top) / "run", Truth(), **options)
            found = compare([load_run(folder)], Options())
            return {a.question.split("?")[0]: a for a in answers(found)}

    def test_answers_come_from_the_timeline(self):
        found = self.review()
        self.assertIn('Repair0 "stales X"',
                      found["Which call path clears DELWRI_Q"].lines[0])
        self.assertIn("(150.5 ms, flags -S-, still linked)",
                      found["How does a stale buffer come to be reused"]
                      .lines[0])
        self.assertIn('AIL "writes X", 5.1 ms after',
                      found["Who finally drops the buffer, and in what flag "
                            "state"].lines[0])

    def test_committed_matrix_answers_everything(self):
        """The oracle's own words are understood, not only the above."""
        # A user's own run may have measured fewer fixes.
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={TOP}", "-C", TOP, "ls-files",
             "results/*/verify.json"], text=True, stdout=subprocess.PIPE,
            check=True).stdout.split()
        self.assertTrue(listed)
        for path in [TOP / name for name in listed]:
            with tempfile.TemporaryDirectory() as top:
                folder = synthetic.write(Path(top) / "run", Truth())
                shutil.copy(path, folder)
                found = answers(compare([load_run(folder)], Options()))
            self.assertEqual(
                [a.question for a in found if not a.answered],
                # Of a workload that the synthetic run does not have.
                ["Does the AIL's list stall whoever waits for it or takes a "
                 "buffer off it, with 100,000 buffers on it?"])

    def test_unverified_run_answers_nothing_of_correctness(self):
        found = self.review(verified=False)
        self.assertFalse(found["Can DELWRI_Q leak"].answered)
        self.assertIn("not verified", found["Can DELWRI_Q leak"].lines[0])


if __name__ == "__main__":
    unittest.main()
