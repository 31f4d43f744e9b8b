"""Writes events.tfevents with TensorBoard's own record writer and protocol buffers.

Made with tensorboard 2.21.0:  python make_events.py
The same events, wall times included, are written by TensorBoardWriterTests, which expects the same bytes.
"""
import pathlib

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def scalars(wall_time, step, **values):
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
    return Event(wall_time=wall_time, step=step, summary=summary)


events = [
    Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    Event(wall_time=1700000001.25, step=8, session_log=SessionLog(status=SessionLog.START)),
    scalars(1700000002.25, 0, objective=0.0),
    scalars(1700000003.25, 300, objective=-1.5, multiplier=0.1, overflow=float("inf")),
    scalars(1700000004.25, 1 << 40, λ=1e-30),
]
with open(pathlib.Path(__file__).parent / "events.tfevents", "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString())
    writer.flush()
