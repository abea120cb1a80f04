"""Events of single ports: which of them are news, and that none is lost before it was passed on."""

import asyncio

import pytest
from pyVmomi import vim

from nested_hyperv.domain.inventory import MoRef
from nested_hyperv.vsphere.port_news import PortEvent, PortNews, events_of

A, B = MoRef("VmwareDistributedVirtualSwitch", "dvs-1"), MoRef("VmwareDistributedVirtualSwitch", "dvs-2")


async def heard(news: PortNews) -> tuple[MoRef, frozenset[str]] | None:
    """What there is to pass on now."""
    try:
        async with asyncio.timeout(0.01):
            return await news.wait()
    except TimeoutError:
        return None


@pytest.fixture
def news() -> PortNews:
    made = PortNews()
    made.begin((PortEvent(7, A, ("1",)), PortEvent(6, B, ("2",))))
    return made


async def test_what_is_there_at_the_beginning_is_no_news(news: PortNews) -> None:
    assert await heard(news) is None
    news.take((PortEvent(6, B, ("2",)), PortEvent(7, A, ("1",))))
    assert await heard(news) is None


async def test_only_what_is_newer_is_told_whatever_the_order_of_the_page(news: PortNews) -> None:
    news.take((PortEvent(9, A, ("4",)), PortEvent(7, A, ("1",)), PortEvent(8, A, ("3", "4"))))

    assert await heard(news) == (A, frozenset({"3", "4"}))


async def test_it_is_told_again_until_it_was_passed_on(news: PortNews) -> None:
    news.take((PortEvent(8, A, ("3",)),))
    assert await heard(news) == (A, frozenset({"3"}))
    news.take((PortEvent(9, A, ("4",)), PortEvent(10, B, ("5",))))
    news.told(A, {"3"})

    assert await heard(news) == (A, frozenset({"4"})), "what came meanwhile"
    news.told(A, {"4"})
    assert await heard(news) == (B, frozenset({"5"}))
    news.told(B, {"5"})
    assert await heard(news) is None


async def test_an_empty_page_at_the_beginning_makes_everything_after_it_news() -> None:
    news = PortNews()
    news.begin(())
    news.take((PortEvent(1, A, ("1",)),))

    assert await heard(news) == (A, frozenset({"1"}))


async def test_what_happened_until_a_new_collector_is_watched_is_news(news: PortNews) -> None:
    news.begin((PortEvent(7, A, ("1",)), PortEvent(8, A, ("3",))))

    assert await heard(news) == (A, frozenset({"3"}))


async def test_another_vcenter_counts_for_itself(news: PortNews) -> None:
    news.take((PortEvent(8, A, ("3",)),))
    news.restart()
    assert await heard(news) is None
    news.begin((PortEvent(900, A, ("1",)),))
    assert await heard(news) is None
    news.take((PortEvent(901, A, ("2",)),))
    assert await heard(news) == (A, frozenset({"2"}))


def test_a_page_is_told_apart_by_switch_and_port() -> None:
    switch = vim.event.DvsEventArgument(dvs=vim.dvs.VmwareDistributedVirtualSwitch("dvs-1", None), name="dvs")
    page = [
        vim.event.DvsPortReconfiguredEvent(key=3, dvs=switch, portKey=["10", "11"]),
        vim.event.DvsPortReconfiguredEvent(key=4, portKey=["12"]),
    ]

    assert events_of(page) == (PortEvent(3, A, ("10", "11")),), "what names no switch says nothing"


async def test_a_vcenter_that_was_restored_counts_from_an_older_number_on_and_is_heard_all_the_same(
    news: PortNews,
) -> None:
    news.begin((PortEvent(3, A, ("1",)),))
    assert await heard(news) is None

    news.take((PortEvent(4, A, ("9",)), PortEvent(3, A, ("1",))))

    assert await heard(news) == (A, frozenset({"9"}))
