"""The page on machines names what there is."""

from dataclasses import fields
from pathlib import Path

import pytest
from machines import modbus_machine

import sorter_firmware_bridge
from sorter_firmware_bridge.drivers import ADAPTERS, framed_settings, modbus_map
from sorter_firmware_bridge.drivers.gpio_settings import GpioSettings, Output
from sorter_firmware_bridge.drivers.linetext_profile import shipped_profiles
from sorter_firmware_bridge.drivers.linetext_settings import LineTextSettings
from sorter_firmware_bridge.drivers.modbus_settings import ModbusSettings
from sorter_firmware_bridge.drivers.mqtt_settings import MqttSettings

PAGE = (Path(sorter_firmware_bridge.__file__).parent / "MACHINES.md").read_text()


def test_the_page_names_every_kind_and_every_profile() -> None:
    assert [name for name in (*ADAPTERS, *shipped_profiles()) if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize(
    "settings", [LineTextSettings, ModbusSettings, MqttSettings, GpioSettings, Output]
)
def test_the_page_names_every_setting(settings: type) -> None:
    missing = [
        key.name
        for key in fields(settings)
        if f"`{key.name}" not in PAGE and f".{key.name}`" not in PAGE
    ]
    assert missing == []


def test_the_page_names_every_setting_of_a_framed_machine() -> None:
    section = PAGE.split("## framed")[1].split("## linetext")[0]
    assert [key for key in framed_settings.KEYS if f"| `{key}` |" not in section] == []


def test_the_page_the_driver_and_the_machine_of_the_tests_number_causes_alike() -> None:
    for number, cause in enumerate(modbus_map.CAUSES):
        assert f"{number} {cause.replace('_', ' ')}" in PAGE.replace("\n", " ")
        assert modbus_machine.CAUSES.get(cause, number) == number
