"""What goes from one person to the next, in a real browser: a lead draws and hands out, a reviewer submits, the team lead
acknowledges the fault of the day, the lead submits the summary, the manager approves it, the agent signs. Pages are also
looked at as wide as a telephone: nothing may stand beyond the edge. Usage: see browser.py"""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from browser import BASE, SHOTS, all_of, driver, login, one, press, shot, wait

NARROW = 360
SUMMARY = "/summaries/one?unit=一组&period=2026-11-2"


def text():
    return one("body").text


def click(words, tag="button"):
    """The button or link with these words."""
    one("main").find_element(By.XPATH, f".//{tag}[contains(normalize-space(.), '{words}')]").click()


def both(name):
    """Pictures of the page at a desk and on a telephone, where nothing overflows."""
    shot(name)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": NARROW, "height": 900, "deviceScaleFactor": 1, "mobile": True})
    wide = driver.execute_script("return document.documentElement.scrollWidth")
    height = driver.execute_script("return document.documentElement.scrollHeight")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": NARROW, "height": min(height, 5000), "deviceScaleFactor": 1, "mobile": True})
    driver.save_screenshot(str(SHOTS / f"{name}-{NARROW}.png"))
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= NARROW, f"{name} is {wide} px wide"


def draw():
    login("zhuguan")
    driver.get(f"{BASE}/draws")
    Select(one("[name=plan]")).select_by_visible_text("半月抽检")
    for day in ["from", "to"]:
        driver.execute_script("arguments[0].value = '2026-11-16'", one(f"[name={day}]"))
    one("[name='reviewer.zhijian']").click()
    click("看工作量")
    wait(lambda: "zhijian" in one("[role=status]").text, "the load")
    both("draws")
    click("抽取并分派")
    wait(lambda: "第 1 次" in one("h1").text, "it is drawn")
    both("draw")


def review():
    login("zhijian")
    wait(lambda: driver.current_url.endswith("/tasks"), "whoever has tasks begins with them")
    both("tasks-drawn")
    driver.get(f"{BASE}/calls/t2")
    wait(lambda: "抽样任务：全程听" in text(), "how to hear it")
    press("c")
    wait(lambda: "由您复核" in text(), "it is claimed")
    press("j")
    press("y")
    wait(lambda: all_of(".finding[data-verdict=confirmed]"), "it is confirmed")
    driver.execute_script("document.activeElement.blur()")
    one("#raise summary").click()
    one("#raise [name=note]").send_keys("客户说要投诉")
    both("call-raise")
    click("当日上报")
    wait(lambda: driver.current_url.endswith("raised=1"), "it is raised")
    one("#lesson summary").click()
    for name, value in [("to_s", "8"), ("title", "不推诿的说法"), ("tags", "推诿")]:
        one(f"#lesson [name={name}]").clear()
        one(f"#lesson [name={name}]").send_keys(value)
    Select(one("#lesson [name=good]")).select_by_value("0")
    click("存入", "button[@type='submit']")
    wait(lambda: "/library" in driver.current_url, "it is in the library")
    both("library")
    driver.get(f"{BASE}/calls/t2")
    one("[name=whole]").click()
    one("[name=whole_reason]").send_keys("按文字复核")
    one("[name=weaknesses]").send_keys("推诿两次", Keys.CONTROL, Keys.ENTER)
    wait(lambda: all_of(".toast"), "what is left over is said once")
    one("[name=weaknesses]").send_keys(Keys.CONTROL, Keys.ENTER)
    wait(lambda: "已提交" in text(), "it is submitted")


def deal_with_it():
    login("banzhang")
    wait(lambda: driver.current_url.endswith("/team"), "the team comes first")
    driver.get(f"{BASE}/team?from=2026-11-01&to=2026-11-30")
    assert all_of("nav .badge")[0].text == "2", "a confirmed fault and a flag"
    both("team")
    driver.get(f"{BASE}/raised")
    wait(lambda: len(all_of("article.card")) == 2, "both are here")
    both("raised")
    one("article.card [name=remark]").send_keys("已当面辅导")
    click("确认处理")
    wait(lambda: len(all_of("article.card")) == 1, "it is dealt with")
    driver.get(f"{BASE}/calls/t2/record")
    both("record")


def summarise():
    login("zhuguan")
    driver.get(f"{BASE}/library")
    one("[name=agents]").send_keys("3021")
    click("发出")
    wait(lambda: "已发 1 人" in text(), "it is handed out")
    driver.get(BASE + SUMMARY)
    both("summary-draft")
    one("[name=remark]").send_keys("下周培训推诿用语")
    click("提交审批")
    wait(lambda: "待审批" in one("h1").find_element(By.XPATH, "..").text, "it is submitted")
    login("jingli")
    wait(lambda: driver.current_url.endswith("/summaries") and "待您审批" in text(), "what waits comes first")
    both("summaries")
    driver.get(BASE + SUMMARY)
    both("summary-submitted")
    click("审批通过")
    wait(lambda: "已审批" in text(), "it is approved")


def sign():
    login("zuoxi")
    driver.get(f"{BASE}/mine?from=2026-11-01&to=2026-11-30")
    both("mine")
    one("#summaries a").click()
    wait(lambda: "推诿" in text(), "the own part")
    both("summary-part")
    click("签收")
    wait(lambda: "已签收" in text(), "it is signed")
    driver.get(f"{BASE}/library")
    both("library-agent")
    click("看过，签收")
    wait(lambda: "已签收" in text(), "the example is signed")


def english():
    """The same pages in English are no wider."""
    login("zhuguan")
    one("button[name=lang]").click()
    wait(lambda: one("html").get_attribute("lang") == "en", "the language changes")
    for path in ["/draws", "/draws/1", "/summaries", SUMMARY, "/raised?state=all", "/library", "/calls/t2/record"]:
        driver.get(BASE + path)
        both("english" + path.split("?")[0].replace("/", "-"))


try:
    for step in [draw, review, deal_with_it, summarise, sign, english]:
        step()
except Exception:
    driver.save_screenshot(str(SHOTS / "failed.png"))
    print(driver.current_url)
    raise
finally:
    driver.quit()
