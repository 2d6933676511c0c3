"""The messages for what people write instead of ADQL: what is wrong, where, and what was meant."""

import pytest

from skyseries import adql
from skyseries.adql import parse
from skyseries.errors import QueryError

# the ^ stands below the place
MISTAKES = """
SELCT a FROM t
^ did you mean SELECT instead of SELCT?
SELECT a FORM t
         ^ did you mean FROM instead of FORM?
SELECT * FORM t WHERE a = 1
         ^ did you mean FROM instead of FORM?
SELECT a FROM t WEHRE a = 1
                ^ did you mean WHERE instead of WEHRE?
SELECT a FROM t WHERE b = 1 ODER BY a
                            ^ did you mean ORDER instead of ODER?
SELECT a FROM t JOINN u ON b = c
                ^ did you mean JOIN instead of JOINN?
SELECT a FROM t WHERE b = 1 ANND c = 2
                            ^ did you mean AND instead of ANND?
SELECT a FROM t GROUP y
                      ^ BY is missing after GROUP, before 'y'
SELECT a FROM t ORDER y
                      ^ BY is missing after ORDER, before 'y'
SELECT v.expMidptMJD scisql_nanojanskyToAbMag(psfFlux) as psfMag FROM t AS v
                     ^ a comma is missing before 'scisql_nanojanskyToAbMag'
SELECT a, b as psfMag, FROM t
                     ^ a comma too many before FROM
SELECT a FROM t, WHERE b = 1
               ^ a comma too many before WHERE
SELECT a b c FROM t
           ^ a comma or FROM is missing before 'c'
SELECT a FROM t LIMIT 10
                ^ ADQL has no LIMIT: write SELECT TOP n
SELECT a FROM t WHERE b = 1 LIMIT 10
                            ^ ADQL has no LIMIT: write SELECT TOP n
SELECT a FROM (SELECT b FROM t ORDER BY b LIMIT 5) AS q
                                          ^ ADQL has no LIMIT: write SELECT TOP n
SELECT a FROM t WHERE b == 1
                        ^ ADQL compares with a single =
SELECT a FROM t WHERE (b = 1 ORDER BY a
                             ^ the ( of line 1, column 23 is not closed: ) is missing before 'ORDER'
SELECT a FROM t WHERE b IN (SELECT c FROM u
                                           ^ the ( of line 1, column 28 is not closed: ) is missing before the end
SELECT ABS(a FROM t
             ^ ) is missing after the arguments of ABS, before 'FROM'
SELECT a FROM t WHERE b = 1)
                           ^ this ) closes nothing
SELECT 1
        ^ FROM is missing before the end
SELECT FROM t
       ^ nothing is selected: write SELECT * or names before FROM
SELECT a FROM t HAVING a = 1 GROUP BY a
                             ^ GROUP BY stands before HAVING
SELECT a FROM t ORDER BY a WHERE b = 1
                           ^ WHERE stands before ORDER BY
SELECT a FROM t WHERE b = 1 JOIN u ON c = d
                            ^ JOIN stands before WHERE
SELECT a FROM t WHERE b = 1 WHERE c = 2
                            ^ WHERE stands twice: join the conditions with AND
SELECT a FROM t ORDER BY a ORDER BY b
                           ^ ORDER BY stands twice
SELECT a FROM t WHERE b IN (SELECT c FROM u) WHERE d = 1
                                             ^ WHERE stands twice: join the conditions with AND
SELECT a FROM t WHERE b IN (SELECT c FROM u WHERE d = 1 WHERE e = 1)
                                                        ^ WHERE stands twice: join the conditions with AND
SELECT a FROM t ORDER BY a UNION SELECT a FROM u
                           ^ UNION after ORDER BY: put the query before it in parentheses
SELECT TOP a FROM t
           ^ after TOP comes a whole number, not 'a'
SELECT TOP 5 DISTINCT a FROM t
             ^ DISTINCT stands before TOP
SELECT a FROM t OFFSET 1.5
                       ^ after OFFSET comes a whole number, not '1.5'
SELECT a FROM t INNER JOIN u WHERE b = 1
                             ^ the condition of INNER JOIN is missing: ON ... or USING (...)
SELECT a FROM t NATURAL JOIN u USING (b)
                               ^ NATURAL JOIN takes no USING
SELECT a FROM t LEFT u ON b = c
                     ^ JOIN is missing after LEFT, before 'u'
SELECT a FROM t, u ON b = c
                   ^ ON stands after the tables of a JOIN
SELECT a FROM t CROSS JOIN u
                ^ ADQL has no CROSS JOIN: write a comma between the tables
SELECT a FROM (SELECT b FROM t) WHERE b = 1
              ^ a query in FROM has a name: write (SELECT ...) AS name
SELECT a FROM t WHERE b IN (WITH x AS (SELECT c FROM u) SELECT c FROM x)
                            ^ ADQL has WITH at the beginning of a statement only
SELECT a FROM t WHERE EXISTS u
                             ^ a query in parentheses is missing before 'u'
DROP TABLE t
^ queries only read: they begin with SELECT or WITH, not DROP
SELECT a FROM t; DROP TABLE t
                 ^ one query at a time: after the ; there is 'DROP'
SELECT a FROM t TABLESAMPLE 5
                            ^ a query does not go on with '5' after 'TABLESAMPLE'
SELECT a FROM t WHERE b % 2 = 1
                        ^ % is no operator here: use MOD(a, b) for the remainder
SELECT a AS b FROM t WHERE CONTAINS(p, c)
                           ^ write CONTAINS(...) = 1
SELECT a FROM t WHERE distance < 3
                      ^ distance is a reserved word of ADQL; if it is a column, write it in double quotes: "distance"
SELECT a FROM t WHERE good = false
                             ^ ADQL writes 0 for FALSE; if it is a column, write it in double quotes: "false"
SELECT a FROM t WHERE NOT good
                          ^ NOT stands before a condition; this is a value: a boolean column is compared, as in good = 1
SELECT a FROM t WHERE t.good AND b = 1
                      ^ AND joins conditions; this is a value: a boolean column is compared, as in good = 1
SELECT a FROM t WHERE b > TIMESTAMP '2025-01-02'
                          ^ ADQL writes a time as a text, or as CAST('2025-01-02' AS TIMESTAMP)
SELECT a, COUNT(*) OVER (PARTITION BY b) FROM t
                   ^ ADQL has no OVER (...): join with a query that groups
SELECT a distance FROM t
         ^ FROM is missing before 'distance'
SELECT a FROM t AS distance
                   ^ a name after AS is missing before 'distance'; distance is a reserved word of ADQL: write "distance"
SELECT a AS FROM t
            ^ a name after AS is missing before 'FROM'
SELECT POINT(a, b) || 'x' FROM t
       ^ a POINT has no ||
SELECT CIRCLE('ICRS', 1, 2) FROM t
       ^ write CIRCLE(longitude, latitude, radius) or CIRCLE(point, radius), not with 3
SELECT ROUND(a, 1, 2) FROM t
       ^ ROUND is called with 1 or 2 values, not with 3
SELECT PI(3) FROM t
       ^ PI is called with no values, not with 1
SELECT scisql_nanojanskyToABMagg(a) FROM t
       ^ no function scisql_nanojanskyToABMagg; did you mean scisql_nanojanskyToAbMag?
SELECT a.b.c.d.e FROM t
       ^ a column has four parts at most: catalog.schema.table.column
SELECT a FROM t WHERE b = 'x' 'y'
                              ^ two texts side by side: join them with ||
SELECT a /* b */ FROM t
         ^ a comment in ADQL begins with -- and ends with the line
"""  # noqa: E501
LINES = MISTAKES.strip("\n").split("\n")


@pytest.mark.parametrize(
    ("text", "below"), list(zip(LINES[::2], LINES[1::2], strict=True)), ids=LINES[::2]
)
def test_a_mistake_is_explained_at_its_place(text, below):
    with pytest.raises(QueryError) as caught:
        parse(text)
    column = below.index("^") + 1
    assert str(caught.value) == f"{below[column + 1 :]} (line 1, column {column})"
    assert adql.pointer(text, caught.value) == f"{text}\n{below[:column]}"


def test_a_mistake_on_a_later_line_and_in_lower_case():
    text = "select a\nfrom t -- the table\n  whre b = 1"
    with pytest.raises(QueryError, match=r"did you mean WHERE instead of whre\? \(line 3, colu"):
        parse(text)


def test_very_long_words_are_cut_in_messages():
    with pytest.raises(QueryError) as caught:
        parse("SELECT a FROM t WHERE b = 1 " + "x" * 10_000)
    assert len(str(caught.value)) < 200
