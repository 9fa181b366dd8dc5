"""The picture of the README: the call page over the demo calls, in a real browser. Usage: make.py CALLSIFT FOLDER

Needs selenium and chromium, which `make setup` installs; `make pictures` calls it."""

import base64
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

CALLSIFT, FOLDER = sys.argv[1], Path(sys.argv[2])
DEMO = Path(__file__).resolve().parent.parent.parent / "tests/demo/recordings"
# The call with the lowest score: shirking, a quarrel, no soothing.
CALL = "/calls/c07"
SIZE = 1400, 860


def console(lake):
    """A console over the demo calls: its process, address and the reviewer's password."""
    command = [CALLSIFT, "console", "--lake", str(lake), "--recordings", str(DEMO)]
    command += ["--listen", "127.0.0.1:0", "--first-users", "3021"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = ""
    for line in process.stdout:
        said += line
        if address := re.search(r"http://\S+", line):
            return process, address[0].rstrip("/"), re.search(r"zhijian\s+(\S+)", said)[1]
    sys.exit(f"the console did not start: {said}")


def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    for argument in ["--headless=new", "--no-sandbox", "--disable-gpu", "--lang=zh-CN", size, "--hide-scrollbars"]:
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([CALLSIFT, "demo", "--dir", folder], check=True, capture_output=True)
        process, base, password = console(Path(folder, "lake"))
        driver = browser()
        try:
            wait = WebDriverWait(driver, 30)
            driver.get(f"{base}/login")
            driver.find_element(By.CSS_SELECTOR, "[name=name]").send_keys("zhijian")
            driver.find_element(By.CSS_SELECTOR, "[name=password]").send_keys(password, Keys.ENTER)
            wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, ".who"))
            driver.get(base + CALL)
            wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, ".finding"))
            driver.execute_script("document.fonts.ready")
            driver.set_script_timeout(5)
            # Waveforms are drawn once they are fetched.
            driver.execute_async_script("setTimeout(arguments[0], 1500)")
            picture = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": 82})
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / "readme.webp").write_bytes(base64.b64decode(picture["data"]))
        finally:
            driver.quit()
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
