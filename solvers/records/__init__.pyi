from .files import RecordFile as RecordFile, places_text as places_text
from .gauges import Snapshot as Snapshot
from .measures import Extrema as Extrema, Integrals as Integrals, Line as Line, Points as Points, Slice as Slice
from .record import (
    Collection as Collection,
    Record as Record,
    Recorded as Recorded,
    Recording as Recording,
    no_rows as no_rows,
)
from .recording import Recorder as Recorder, Rows as Rows, first_rows as first_rows, has_room as has_room
from .schedule import (
    EveryMinutes as EveryMinutes,
    EverySteps as EverySteps,
    EveryTime as EveryTime,
    Rule as Rule,
    RunLimits as RunLimits,
    RunMoment as RunMoment,
    Series as Series,
)
