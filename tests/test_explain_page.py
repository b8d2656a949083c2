"""calque.Report as text, as data, as a page of HTML."""

import html.parser
import json

from support.probes import Hook


class Plain:
    def __init__(self, **values):
        vars(self).update(values)


class Breaks:
    def __deepcopy__(self, memo):
        raise ValueError("cannot be copied")


def test_the_text_has_the_parts(calque):
    shared = [1]
    x = {"plain": [Plain(a=[i]) for i in range(3)], "hooks": [Hook("", [])], "shared": [shared, shared]}
    text = str(calque.explain(x))
    for part in ("dict: ", "objects", "copied by", "$['plain'][*].a", "Not copied natively", "met again at", "reading the clock"):
        assert part in text
    assert repr(calque.explain([1])) == "<calque.Report: list, 1 objects>"


def test_the_data_are_json(calque):
    x = [Plain(a=1), Hook("", []), Breaks()]
    data = calque.explain(x).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data.keys() == {"calque", "python", "root", "objects", "bytes", "copy_ns", "wall_ns", "clock_ns", "visits", "complete", "remarks",
                           "failure", "failures", "types", "paths", "references"}
    assert data["failure"]["exception"] == "ValueError"
    row = next(row for row in data["types"] if row["name"].endswith("Hook"))
    assert row["served_by"] == [{"source": "__deepcopy__", "name": row["served_by"][0]["name"], "objects": 1}]
    assert row["slow"][0].keys() == {"what", "advice"}


class Page(html.parser.HTMLParser):
    """The elements of a page, and the texts in them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.attributes, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028\x1b[31m${data}&lt;"


def hostile_graph():
    cls = type(HOSTILE, (Plain,), {"__deepcopy__": lambda self, memo: raise_(ValueError(HOSTILE)), "__module__": HOSTILE})
    return {HOSTILE + "\x00\ud800": [type(HOSTILE, (), {})(), Plain(**{HOSTILE: [1]}), {"a": cls()}]}


def raise_(error):
    raise error


def test_names_cannot_get_out_of_their_places_in_the_page(calque):
    ordinary = Page(calque.explain([Plain(a=[1])]).to_html())
    page = Page(calque.explain(hostile_graph()).to_html())
    assert page.elements == ordinary.elements
    assert [name for name, _ in page.attributes] == [name for name, _ in ordinary.attributes]
    data = json.loads(next(text for text in page.texts if text.startswith("{")))
    assert data["failure"]["message"] == HOSTILE
    text = calque.explain(hostile_graph()).to_html()
    assert text.encode() and "alert(2)>" not in text and "\x1b" not in text and "\x00" not in text


def test_the_page_loads_nothing(calque):
    page = Page(calque.explain([Plain(a=[1])]).to_html())
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(page.elements)
    assert not [value for name, value in page.attributes if name in ("src", "href", "action", "data", "srcset")]
    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none';")


def test_the_text_keeps_to_its_lines(calque):
    text = str(calque.explain(hostile_graph()))
    assert "\x1b" not in text and "\u2028" not in text and "\x00" not in text
