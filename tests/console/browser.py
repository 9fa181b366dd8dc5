"""A real browser for the tests of the console: BASE, a folder for pictures and name:password pairs stand on the command line."""

import sys
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

BASE, SHOTS = sys.argv[1], Path(sys.argv[2])
PASSWORDS = dict(pair.split(":", 1) for pair in sys.argv[3:])


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    quiet = "--disable-background-networking --disable-component-update --disable-sync --disable-quic --no-first-run"
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--lang=zh-CN", "--window-size=1280,900",
                     "--autoplay-policy=no-user-gesture-required", *quiet.split()]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


driver = browser()


def wait(what, message):
    # While the next page comes, an element of the last one is neither here nor there.
    moving = [StaleElementReferenceException, NoSuchElementException]
    WebDriverWait(driver, 20, ignored_exceptions=moving).until(lambda _: what(), message)


def all_of(css):
    return driver.find_elements(By.CSS_SELECTOR, css)


def one(css):
    return driver.find_element(By.CSS_SELECTOR, css)


def press(keys):
    driver.switch_to.active_element.send_keys(keys)


def shot(name):
    """A picture of the whole page, and no complaint of the browser about scripts or the content policy."""
    height = driver.execute_script("return document.documentElement.scrollHeight")
    driver.set_window_size(1280, max(900, min(height + 120, 6000)))
    driver.save_screenshot(str(SHOTS / f"{name}.png"))
    driver.set_window_size(1280, 900)
    complaints = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE" and "favicon" not in entry["message"]]
    assert not complaints, f"{name}: {complaints}"


def login(name):
    driver.delete_all_cookies()
    driver.get(f"{BASE}/login")
    one("[name=name]").send_keys(name)
    one("[name=password]").send_keys(PASSWORDS[name], Keys.ENTER)
    wait(lambda: all_of(".who"), f"{name} is in")
