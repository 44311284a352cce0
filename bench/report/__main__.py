# SPDX-License-Identifier: GPL-2.0-only
"""What scripts/compare, report and calibrate run: bench/report NAME ARGUMENT..."""
import pathlib
import sys

# Of this tree, whatever the current folder holds.
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])


def main(name: str, argv: list[str]) -> int:
    try:
        # Each needs other packages.
        if name == "calibrate":
            from bench.report import calibrate
            return calibrate.main(argv)
        from bench.report import cli
        return cli.run(name, argv)
    except ImportError as missing:
        print(f"scripts/{name}: {missing}: see what scripts/setup {name} says",
              file=sys.stderr)
        return 2


if __name__ == "__main__":
    from bench.output import closed
    sys.exit(closed(lambda: main(sys.argv[1], sys.argv[2:]),
                    f"scripts/{sys.argv[1]}"))
