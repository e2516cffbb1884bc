"""Four short rows in two flat arrays, and the batches they travel in."""

import numpy as np

from stages.core.encoding.tokens import Texts, Tokens, batches, training_batches

ROWS = [[1, 2, 3], [4], [5, 6], [7, 8, 9]]
TOKENS = Tokens.of(ROWS)
LENGTHS = np.array([2, 9, 3, 3, 1, 2])


def lists(tokens):
    return [tokens.ids[a:b].tolist() for a, b in zip(tokens.starts, tokens.starts[1:])]


def listed(parts):
    return [part.tolist() for part in parts]


def test_rows_lie_end_to_end():
    assert TOKENS.ids.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert TOKENS.starts.tolist() == [0, 3, 4, 6, 9]
    assert (TOKENS.ids.dtype, TOKENS.starts.dtype) == (np.int32, np.int64)


def test_length_counts_rows_and_lengths_their_tokens():
    assert (len(TOKENS), TOKENS.lengths.tolist()) == (4, [3, 1, 2, 3])


def test_a_row_without_tokens_keeps_its_place():
    assert lists(Tokens.of([[1], [], [2]])) == [[1], [], [2]]


def test_joined_parts_are_the_rows_one_after_the_other():
    assert lists(Tokens.joined([Tokens.of(ROWS[:1]), Tokens.of([]), Tokens.of(ROWS[1:])])) == ROWS


def test_nothing_joined_has_no_rows():
    empty = Tokens.joined([])
    assert (len(empty), empty.ids.dtype, empty.starts.dtype) == (0, np.int32, np.int64)


def test_rows_are_picked_in_the_order_asked_for():
    assert lists(TOKENS[np.array([2, 0, 2])]) == [[5, 6], [1, 2, 3], [5, 6]]


def test_padding_fills_rows_to_the_longest_of_them():
    ids, real = TOKENS.padded(np.array([1, 2]), pad=99)
    assert ids.tolist() == [[4, 99], [5, 6]]
    assert real.tolist() == [[True, False], [True, True]]


def test_a_token_equal_to_the_pad_is_still_real():
    ids, real = Tokens.of([[0, 5], [0]]).padded(np.array([0, 1]), pad=0)
    assert ids.tolist() == [[0, 5], [0, 0]]
    assert real.tolist() == [[True, True], [True, False]]


def test_rows_of_one_length_are_stacked_without_padding():
    stacked = TOKENS.stacked(np.array([3, 0]))
    assert stacked.tolist() == [[7, 8, 9], [1, 2, 3]]
    assert stacked.dtype == np.int64


def counted(texts):
    """Texts that are tokenised into the numbers of their letters, and the list of what was tokenised so far."""
    seen = []

    def tokenise(some):
        seen.append(list(some))
        return Tokens.of([[*text.encode()] for text in some])

    return Texts(texts, tokenise), seen


def test_texts_are_tokenised_when_asked_for_and_only_the_rows_that_are():
    texts, seen = counted(["a", "bc", "d", "e", "f"])
    picked = texts[np.array([1, 0])]
    assert (len(texts), len(picked), picked.texts.tolist(), seen) == (5, 2, ["bc", "a"], [])
    assert lists(picked.tokens) == [[98, 99], [97]]
    assert seen == [["bc", "a"]]


def test_half_of_the_texts_or_more_are_tokenised_with_all_others_and_once():
    texts, seen = counted(["a", "bc", "d", "e"])
    assert lists(texts[np.array([3, 1])].tokens) == [[101], [98, 99]]
    assert lists(texts[np.arange(4)].tokens) == lists(texts.tokens) == [[97], [98, 99], [100], [101]]
    assert lists(texts[np.array([2])][np.array([0, 0])].tokens) == [[100], [100]]
    assert seen == [["a", "bc", "d", "e"]]


def test_no_rows_are_no_tokens():
    texts, _ = counted(["a", "b"])
    assert len(texts[np.array([], dtype=np.int64)].tokens) == 0


def test_each_batch_holds_rows_of_one_length_and_the_longest_come_first():
    assert listed(batches(LENGTHS, batch_tokens=100)) == [[1], [2, 3], [0, 5], [4]]


def test_a_batch_keeps_within_its_tokens():
    assert listed(batches(np.array([3, 3, 3, 3, 3]), batch_tokens=8)) == [[0, 1], [2, 3], [4]]


def test_a_row_longer_than_a_batch_travels_alone():
    assert listed(batches(np.array([50, 60, 60]), batch_tokens=8)) == [[1], [2], [0]]


def test_rows_without_tokens_still_get_their_turn():
    assert listed(batches(np.array([0, 2, 0]), batch_tokens=8)) == [[1], [0, 2]]


def test_no_rows_make_no_batches():
    assert listed(batches(np.array([], dtype=np.int64), batch_tokens=8)) == []


def test_batches_of_random_lengths_hold_every_row_once_within_the_tokens():
    for seed in range(100):
        lengths = np.random.default_rng(seed).integers(1, 40, size=60)
        parts = list(batches(lengths, batch_tokens=32))
        assert sorted(np.concatenate(parts)) == list(range(60)), seed
        assert all(len(part) == 1 or lengths[part].sum() <= 32 for part in parts), seed
        assert all(len(set(lengths[part])) == 1 for part in parts), seed


def epoch(rng, rows=20, batch_rows=3):
    return listed(training_batches(np.arange(rows), batch_rows, rng))


def test_an_epoch_holds_every_row_once_in_batches_of_the_size_asked_for():
    parts = epoch(np.random.default_rng(0))
    assert sorted(row for part in parts for row in part) == list(range(20))
    assert sorted(map(len, parts)) == [2, 3, 3, 3, 3, 3, 3]


def test_rows_of_a_batch_are_of_like_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 60, size=640)
    padded, real = 0, 0
    for part in training_batches(lengths, 16, rng):
        padded += lengths[part].max() * len(part)
        real += lengths[part].sum()
    assert padded < 1.12 * real  # in random batches it would be twice as much


def test_batches_do_not_come_in_order_of_length():
    parts = epoch(np.random.default_rng(0), rows=24)
    assert parts not in (sorted(parts), sorted(parts)[::-1])


def test_other_rows_meet_in_a_batch_in_the_next_epoch():
    rng = np.random.default_rng(0)
    assert sorted(epoch(rng, rows=48)) != sorted(epoch(rng, rows=48))


def test_the_same_seed_gives_the_same_epoch():
    assert epoch(np.random.default_rng(3)) == epoch(np.random.default_rng(3))
