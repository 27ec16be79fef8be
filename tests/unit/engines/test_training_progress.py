import io

from lungdet.engines import TrainingProgress


def test_the_bar_shows_the_loss(make_trainer):
    stream = io.StringIO()
    make_trainer([TrainingProgress(disable=False, file=stream, mininterval=0)], epochs=2).run()
    assert "loss=" in stream.getvalue()
    assert "[2/2]" in stream.getvalue()


def test_it_is_silent_where_there_is_no_terminal(make_trainer):
    stream = io.StringIO()
    make_trainer([TrainingProgress(file=stream, mininterval=0)], epochs=2).run()
    assert stream.getvalue() == ""
