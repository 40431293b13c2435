"""Reads that go on where they were cut off, and reads of changes: what such files need."""

import pytest

PULL = "query: order_list/headers.sql.j2"
DELTA = "entity: order\n"
NO_DELETES = "deletes: {detect: false}"
RESUMABLE = """
select order_number, id, updated_at from order_list where company = {{ company }}
{% if resume_after is not none %} and id > {{ resume_after }}{% endif %}
{% if changed_since is not none %} and updated_at > {{ changed_since }}{% endif %}
order by id
"""


@pytest.fixture
def spoil(folder, example_text, problems):
    """Return the mistakes of the example with another template, pull node and detection."""

    def spoil(template=None, pull="", detection=""):
        if template is not None:
            (folder / "order_list" / "headers.sql.j2").write_text(template, encoding="utf-8")
        text = example_text.replace(PULL, f"{PULL}\n    {pull}" if pull else PULL, 1)
        wanted = f"entity: order\n    detection: {detection}\n" if detection else DELTA
        return problems(text.replace(DELTA, wanted, 1))

    return spoil


@pytest.mark.parametrize("strategy", ["rowversion", "auto", "hash"])
def test_a_read_that_can_do_all_is_right(spoil, strategy):
    detection = f"{{strategy: {strategy}, rowversion: updated_at}}"
    assert spoil(RESUMABLE, "resume: id", detection) == []


def test_a_version_beside_the_strategy_hash_does_no_harm(spoil):
    assert spoil(detection="{strategy: hash, rowversion: updated_at}") == []


def test_resume_without_a_template_that_asks_for_it(spoil):
    (line,) = spoil(pull="resume: order_number")
    assert line == (
        "workflows/x.yaml:33:5: nodes.0.resume: the template order_list/headers.sql.j2 never asks "
        "for 'resume_after', so it would read all rows; add a condition like {% if resume_after is "
        "not none %} and order_number > {{ resume_after }}{% endif %}"
    )


@pytest.mark.parametrize(
    "use", ["{{ resume_after }}", "{% if resume_after is defined %}{{ resume_after }}{% endif %}"]
)
def test_a_template_that_asks_for_it_without_resume(spoil, use):
    (line,) = spoil(f"select 1 as a\nwhere b > {use} and c = {{{{ company }}}}")
    assert line.startswith("workflows/order_list/headers.sql.j2:2:")
    assert "uses 'resume_after', but 'pull_headers' names no column to read on by" in line
    assert "add 'resume'" in line


@pytest.mark.parametrize("name", ["resume_after", "changed_since"])
def test_a_condition_on_null_would_leave_out_all_rows(spoil, name):
    template = f"select 1 as a where b = {{{{ company }}}}\nand id > {{{{ {name} }}}}\n{RESUMABLE}"
    (line,) = spoil(template, "resume: id")
    assert line == (
        f"workflows/order_list/headers.sql.j2:2:1: query: writes {name!r} unasked: it is null at "
        f"first, and nothing is greater than null; put the condition into {{% if {name} is not "
        "none %} … {% endif %}"
    )


@pytest.mark.parametrize("strategy", ["rowversion", "auto"])
def test_changes_are_read_by_a_template_that_asks_for_them(spoil, strategy):
    (line,) = spoil(detection=f"{{strategy: {strategy}, rowversion: updated_at}}")
    assert "nodes.2.detection.strategy: the template order_list/headers.sql.j2 never asks" in line
    assert "{% if changed_since is not none %} and updated_at > {{ changed_since }}" in line


@pytest.mark.parametrize("strategy", ["rowversion", "auto"])
def test_changes_are_read_by_a_version(spoil, strategy):
    (line,) = spoil(RESUMABLE, "resume: id", f"{{strategy: {strategy}}}")
    assert f"nodes.2.detection.strategy: the strategy {strategy} needs a 'rowversion'" in line


@pytest.mark.parametrize("strategy", ["rowversion", "hash"])
@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("update_at", "has no field 'update_at'; did you mean 'updated_at'?"),
        ("notes", "'notes' is text, and no version of a row; name a field of type integer or date"),
        ("order_date", "'order_date' is date, and no version of a row"),
        ("approved", "'approved' is boolean"),
        ("unit_price", "'unit_price' is decimal"),
    ],
)
def test_a_version_is_a_field_that_can_be_one(spoil, strategy, field, says):
    detection = f"{{strategy: {strategy}, rowversion: {field}}}"
    (line,) = spoil(RESUMABLE, "resume: id", detection)
    assert "nodes.2.detection.rowversion: " in line
    assert says in line


@pytest.mark.parametrize("name", ["resume_after", "changed_since"])
def test_what_a_read_gives_is_no_parameter(example_text, problems, name):
    right = "parameters: {company: US01}"
    (line,) = problems(example_text.replace(right, f"parameters: {{company: US01, {name}: 1}}", 1))
    assert f"nodes.0.parameters.{name}: {name!r} is given to every template" in line


def test_a_template_that_cannot_be_read_is_one_mistake(spoil):
    (line,) = spoil("{% if %}", "resume: id", "{strategy: auto, rowversion: updated_at}")
    assert line.startswith("workflows/order_list/headers.sql.j2:1:")


@pytest.mark.parametrize("strategy", ["rowversion", "auto", "hash"])
def test_a_read_that_finds_deletes_does_not_go_on_by_a_version(spoil, strategy):
    template = RESUMABLE.replace("id > {{ resume", "updated_at > {{ resume")
    detection = f"{{strategy: {strategy}, rowversion: updated_at}}"
    (line,) = spoil(template, "resume: UPDATED_AT", detection)
    assert line == (
        "workflows/x.yaml:33:5: nodes.0.resume: 'UPDATED_AT' is the row version of "
        "'order_headers', so it changes with the row: a read that goes on behind it may miss "
        "rows, which would count as deleted; name a column that never changes, such as the "
        "primary key, or turn deletes off: deletes: {detect: false}"
    )


def test_without_deletes_a_read_may_go_on_by_a_version(folder, example_text, problems):
    template = RESUMABLE.replace("id > {{ resume", "updated_at > {{ resume")
    (folder / "order_list" / "headers.sql.j2").write_text(template, encoding="utf-8")
    text = example_text.replace(PULL, f"{PULL}\n    resume: updated_at", 1)
    text = text.replace("deletes: {detect: true, max_share: 0.5}", "deletes: {detect: false}", 1)
    detection = "detection: {strategy: auto, rowversion: updated_at}"
    assert problems(text.replace(DELTA, f"{DELTA}    {detection}\n", 1)) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (r"select '\' || {{ company }} as a", None),
        (r"select E'\' {{ company }}' as a", "inside quotes"),
        ("select /* /* */ {{ company }} */ 1 as a", "in a comment"),
    ],
)
def test_quotes_are_those_of_the_connections_database(spoil, text, says):
    lines = spoil(text)
    assert [line.partition(":1:1: query: ")[0] for line in lines] == (
        [] if says is None else ["workflows/order_list/headers.sql.j2"]
    )
    assert says is None or says in lines[0]


def test_files_have_no_changes_to_select(example_text, problems):
    text = example_text.replace(
        "type: sql\n    url: ${ORDERS_DATABASE_URL}", "type: files\n    folder: /srv"
    )
    text = text.replace("order_list/headers.sql.j2", "headers.csv").replace(
        "lines.sql.j2", "lines.csv"
    )
    text = text.replace("    parameters: {company: US01}\n", "")
    assert problems(text) == []
    detection = "detection: {strategy: auto, rowversion: updated_at}"
    (line,) = problems(text.replace(DELTA, f"{DELTA}    {detection}\n", 1))
    assert "detection.strategy: 'pull_headers' reads files, which are always read" in line


INTERVALS = """
select order_number, id, updated_at from order_list where company = {{ company }}
and updated_at <= {{ interval_end }} and updated_at <> {{ scheduled_for }}
{% if interval_start is not none %} and updated_at > {{ interval_start }}{% endif %}
"""


@pytest.fixture
def by_intervals(folder, example_text, problems):
    """Return the mistakes of the example whose node finds no deletes, with another template."""

    def by_intervals(template, strategy="hash"):
        (folder / "order_list" / "headers.sql.j2").write_text(template, encoding="utf-8")
        detection = f"{{strategy: {strategy}, rowversion: updated_at}}"
        text = example_text.replace("deletes: {detect: true, max_share: 0.5}", NO_DELETES, 1)
        return problems(text.replace(DELTA, f"{DELTA}    detection: {detection}\n", 1))

    return by_intervals


def test_a_read_by_intervals_finds_no_deletes_and_goes_by_no_version(spoil, by_intervals):
    assert by_intervals(INTERVALS) == []
    (line,) = spoil(INTERVALS)
    assert line.endswith(
        "nodes.2.deletes.detect: 'pull_headers' reads intervals, so what it does not give may be "
        f"there; turn deletes off: {NO_DELETES}"
    )
    told = by_intervals(INTERVALS, "rowversion")
    assert any("reads intervals, which the strategy leaves no say in" in line for line in told)


def test_half_an_interval_would_be_read_twice_or_left_out(by_intervals):
    (line,) = by_intervals("select 1 as a where b = {{ company }} and c <= {{ interval_end }}")
    assert "asks for an interval, but not its 'interval_start'; ask for rows later than" in line
    start = INTERVALS.index("{% if")
    (line,) = by_intervals(INTERVALS[:start] + "and updated_at > {{ interval_start }}")
    assert "writes 'interval_start' unasked" in line


@pytest.mark.parametrize("name", ["interval_start", "interval_end", "scheduled_for"])
def test_a_parameter_cannot_be_called_as_what_every_template_gets(example_text, problems, name):
    told = problems(example_text.replace("company: ", f"{name}: 1, company: ", 1))
    assert any(f"{name!r} is given to every template" in line for line in told)
