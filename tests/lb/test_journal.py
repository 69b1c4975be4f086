import asyncio

from lb.health import Operational
from lb.journal import Journal
from lb.pool import Admin, NodeChanged
from tests.support.waiting import begun


def change(at_s: float) -> NodeChanged:
    return NodeChanged(at_s, "node1", Admin.READY, Operational.UP, True, True, False, "test")


def test_events_are_numbered_from_1_and_can_be_asked_for_from_any_number_on() -> None:
    journal = Journal()
    journal.add([change(1.0), change(2.0)])
    journal.add([change(3.0)])
    assert [(entry.seq, entry.change.at_s) for entry in journal.after(1)] == [(2, 2.0), (3, 3.0)]
    assert journal.after(3) == []


def test_it_keeps_no_more_than_its_capacity_and_says_what_is_gone() -> None:
    journal = Journal(capacity=3)
    assert journal.first_seq == 1
    journal.add([change(float(number)) for number in range(10)])
    assert (journal.first_seq, journal.last_seq) == (8, 10)
    assert [entry.seq for entry in journal.after(0)] == [8, 9, 10]


async def test_a_reader_waits_for_the_next_event_and_no_longer() -> None:
    journal = Journal()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(journal.wait_after(0, 60.0)) for _ in range(3)]
        await begun(readers[-1])
        journal.add([change(1.0)])
    assert [[entry.seq for entry in reader.result()] for reader in readers] == [[1]] * 3


async def test_a_reader_that_is_behind_does_not_wait() -> None:
    journal = Journal()
    journal.add([change(1.0)])
    async with asyncio.timeout(5):
        assert len(await journal.wait_after(0, 60.0)) == 1


async def test_a_reader_gets_nothing_when_nothing_happens_in_time() -> None:
    assert await Journal().wait_after(0, 0.01) == []


async def test_adding_nothing_wakes_nobody() -> None:
    journal = Journal()
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(journal.wait_after(0, 0.05))
        await begun(reader)
        journal.add([])
    assert reader.result() == []


async def test_closing_it_ends_all_waiting() -> None:
    journal = Journal()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(journal.wait_after(0, 60.0))
        await begun(reader)
        journal.close()
    assert reader.result() == []
    assert await journal.wait_after(0, 60.0) == []
