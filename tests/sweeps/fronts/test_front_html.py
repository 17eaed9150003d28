"""A front shows itself in a notebook: every point, nothing from elsewhere, nothing that a name could plant."""

from html.parser import HTMLParser

from front_cases import small_sweep, spec

from sweeps.fronts.front import build_front


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.names, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text.append(data)


def test_a_front_is_a_drawing_and_a_table_of_all_its_points():
    front = build_front(spec(), "id", small_sweep())
    shown = Tags(front._repr_html_())
    assert shown.names.count("circle") == len(front.points) > 1
    assert shown.names.count("tr") == len(front.points) + 1
    for point in front.points:
        assert str(point.trial) in shown.text
    assert {"script", "link", "img"}.isdisjoint(shown.names)


def test_text_from_outside_is_text():
    front = build_front(spec(), "id", small_sweep())
    point = front.points[0].model_copy(update={"params": {"<script>k": "<img src=x onerror=alert(1)>"}})
    shown = Tags(front.model_copy(update={"points": (point, *front.points[1:])})._repr_html_())
    assert {"script", "img"}.isdisjoint(shown.names)
    assert "<img src=x onerror=alert(1)>" in shown.text


def test_a_front_without_points_says_what_there_is():
    empty = build_front(spec(), "id", [])
    assert "0 points" in "".join(Tags(empty._repr_html_()).text)
