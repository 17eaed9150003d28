"""A search has one colour, whatever others a problem was tried with."""

from benchmarks.search.pictures import colours_of, write_page, write_png

LINE = {"median": [0.5, 0.1], "low": [0.4, 0.05], "high": [0.6, 0.2]}
TIMES = {"0.95": {"median": 60.0}, "0.99": {"median": None}}


def block(problem, *searches):
    told = {"regret": LINE, "seeds": 2, "time_to": TIMES, "epsilon": {"median": 0.1}}
    oracle = {"regret": [0.2, 0.0], "time_to": {"0.95": 30.0, "0.99": 40.0}}
    own = dict.fromkeys(searches, told)
    return {"problem": problem, "workers": 4, "until_s": 120, "grid_s": [12, 120], "searches": own, "oracle": oracle}


def test_colours_hold_over_problems_and_the_legend_names_what_any_of_them_shows(tmp_path, monkeypatch):
    named = []
    monkeypatch.setattr("matplotlib.axes.Axes.legend", lambda axes, lines, names, **options: named.extend(names))
    blocks = [block("one", "front+asha", "tune-shipped"), block("two", "front+asha", "gp", "tune-shipped")]
    colours = colours_of(blocks)
    assert list(colours) == ["front+asha", "tune-shipped", "gp"] and len(set(colours.values())) == 3
    write_png(blocks, tmp_path / "regret.png")
    assert set(named) == {"front+asha", "gp", "tune-shipped", "best achievable"}
    assert (tmp_path / "regret.png").read_bytes()[1:4] == b"PNG"
    write_page(blocks, tmp_path / "regret.html")
    assert f'"gp": "{colours["gp"]}"' in (tmp_path / "regret.html").read_text()
