"""A day at the console in a real browser: hear a hit, confirm it by keyboard, mark a miss, hand in the form, appeal as the
agent, decide as the lead, see the dashboard change. Usage: day.py BASE SHOTS reviewer:pw agent:pw lead:pw admin:pw"""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from browser import BASE, SHOTS, all_of, driver, login, one, press, shot, wait

CALL = "/calls/c05"


def begun():
    """What is in the form but not handed in."""
    return one("[name=strengths]").get_attribute("value"), one("[name='item.long-silence']").get_attribute("value")


def careful():
    """Keys act on what has the focus, and none of them gives a verdict by accident."""
    one(".finding.chosen [name=note]").send_keys("先记一笔", Keys.ENTER)
    wait(lambda: "y、n" in one(".toast").text, "Enter in the remark says what to press")
    press("?")
    wait(lambda: all_of("dialog[open]"), "the table of keys")
    press("y")
    press(Keys.ESCAPE)
    wait(lambda: not all_of("dialog[open]"), "the table is closed")
    whole = one("[name=whole]")
    whole.send_keys(" ")
    assert whole.is_selected(), "Space ticks what has the focus"
    whole.send_keys(Keys.ENTER)
    assert not whole.is_selected(), "so does Enter"
    assert driver.execute_script("return document.querySelector('audio').paused"), "and nothing plays"
    one("[name=strengths]").send_keys("语速平稳")
    if not one("details.others").get_attribute("open"):
        one("details.others summary").click()
    item = one("[name='item.long-silence']")
    item.clear()
    item.send_keys("5", Keys.ESCAPE)
    assert "已提交" not in one("form.sheet").text, "the form is not handed in"
    assert not one(".finding.chosen").get_attribute("data-verdict"), "nothing is judged"
    reloaded()


def drafts():
    """What is typed and not sent, as the browser keeps it, without the listening form's own."""
    return driver.execute_script("return Object.keys(sessionStorage).filter((k) => !/^draft \\d+ sheet/.test(k))")


def reloaded():
    """Remarks that are not sent yet are there after a reload, each where it was typed."""
    press("m")
    one("#missed [name=note]").send_keys("像是推诿")
    one("#missed [name=from_s]").clear()
    one("#missed [name=from_s]").send_keys("1.5")
    driver.refresh()
    wait(lambda: all_of(".toast"), "the reader is told that something is back")
    press("j")
    remark = one(".finding.chosen [name=note]").get_attribute("value")
    assert remark == "先记一笔", f"the remark is back: {remark}"
    assert not one(".finding.chosen").get_attribute("data-verdict"), "but nothing is judged"
    missed = [one(f"#missed [name={name}]").get_attribute("value") for name in ["note", "from_s"]]
    assert one("#missed").get_attribute("open") and missed == ["像是推诿", "1.5"], f"so is the miss: {missed}"
    others = [note.get_attribute("value") for note in all_of(".finding:not(.chosen) form.verdict [name=note]")]
    assert not any(others), f"no other finding has it: {others}"
    assert len(drafts()) == 2, drafts()
    one("#missed [name=note]").clear()
    one("#missed [name=note]").send_keys(Keys.ESCAPE)
    assert len(drafts()) == 1, "what is emptied is forgotten"


def review():
    login("zhijian")
    wait(lambda: driver.current_url.endswith("/queue"), "the queue")
    rows = all_of("table.calls tbody tr")
    assert rows, "flagged calls wait"
    shot("queue")
    driver.get(BASE + CALL)
    cards = all_of(".finding")
    assert cards, "findings are shown"
    assert driver.execute_script("return document.querySelector('audio').readyState") == 0, "nothing is loaded unasked"
    assert driver.execute_script("return document.querySelector('.wave img').naturalWidth") > 0, "the waveform is there"
    press(Keys.ARROW_RIGHT)
    wait(lambda: one(".now").text.startswith("0:05"), "one may jump before anything is loaded")
    press("j")
    wait(lambda: all_of(".finding.chosen"), "the first finding is chosen")
    seek = int(one(".finding.chosen").get_attribute("data-seek"))
    at = "return document.querySelector('audio').currentTime"
    wait(lambda: abs(driver.execute_script(at) - max(0, seek / 1000 - 2)) < 3, "it plays from two seconds before")
    wait(lambda: driver.execute_script("return !document.querySelector('audio').paused"), "it plays")
    press(" ")
    wait(lambda: driver.execute_script("return document.querySelector('audio').paused"), "it stops")
    careful()
    rule = one(".finding.chosen").get_attribute("data-rule")
    card = lambda: one(f'.finding[data-rule="{rule}"]')
    press("n")
    press("3")  # At once: the cause waits for the verdict, and then the next finding is chosen.
    wait(lambda: "误报（语境允许）" in card().find_element(By.CSS_SELECTOR, ".said").text, "it is rejected, and why")
    card().find_element(By.CSS_SELECTOR, "header b").click()
    press("1")
    wait(lambda: "误报（识别错误）" in card().find_element(By.CSS_SELECTOR, ".said").text, "why is changed")
    assert not drafts(), "no draft is left of what was sent"
    assert "复核中" in one("#head .chip").text, "the head tells that the call is at work"
    before = one("output.score").text
    card().find_element(By.CSS_SELECTOR, "header b").click()
    press("y")
    wait(lambda: card().get_attribute("data-verdict") == "confirmed", "it is confirmed")
    assert card().find_element(By.CSS_SELECTOR, "select[name=cause]").get_attribute("value") == "", "what is confirmed has no cause"
    wait(lambda: one("output.score").text != before, "the form follows")
    advanced(card)
    missed()
    assert begun() == ("语速平稳", "5"), f"what was begun is there after a verdict: {begun()}"
    shot("call")
    one("[name=weaknesses]").send_keys("使用反问语气")
    one("[name=whole]").click()
    assert one("[name=whole_reason]").is_displayed(), "not played: a reason is asked for"
    one("[name=whole_reason]").send_keys("测试")
    one("[name=keep]").click()
    submitted()


def open_cards():
    return [c for c in all_of(".finding") if not c.get_attribute("data-verdict")]


def advanced(card):
    """A verdict goes on to the next finding that nobody judged; after the last the keys of the form are told."""
    if open_cards():
        wait(lambda: not one(".finding.chosen").get_attribute("data-verdict"), "y goes on to the next open finding")
    while open_cards():
        left = len(open_cards())
        if one(".finding.chosen").get_attribute("data-verdict"):
            press("j")
        press("y")
        wait(lambda: len(open_cards()) < left, "the next one is confirmed")
    wait(lambda: "Ctrl+Enter" in one(".toast").text, "nothing is left but to submit")


def missed():
    """m, two letters, Enter: marked where one hears it, and the page stays as it is."""
    driver.execute_script("window.same = true; document.querySelector('audio').currentTime = 5")
    press("m")
    wait(lambda: one("#missed").get_attribute("open"), "a miss can be marked")
    assert one("#missed select[name=rule]").get_attribute("value") == "", "no rule is chosen beforehand"
    one("#missed [name=note]").send_keys("推给别的部门")
    box = one("#missed .combo input")
    box.send_keys(Keys.ENTER)
    assert not all_of(".finding.by-hand"), "nothing typed, nothing marked"
    box.send_keys("tw")
    wait(lambda: "推诿" in one("#missed li[aria-selected=true]").text, "found by its initials")
    box.send_keys(Keys.ENTER)
    wait(lambda: all_of(".finding.by-hand"), "the miss is marked")
    assert "推诿" in one(".finding.by-hand").text and "推给别的部门" in one(".finding.by-hand").text
    assert driver.execute_script("return window.same && document.querySelector('audio').currentTime > 4"), "without a reload"
    assert not drafts(), f"no draft of the miss is left: {drafts()}"
    assert float(one("[name='item.shirking']").get_attribute("value")) > 0, "the form follows"
    one(".finding.by-hand button[value=withdrawn]").click()
    wait(lambda: not all_of(".finding.by-hand"), "it is withdrawn, without a reload, too")
    press("m")
    one("#missed .combo input").send_keys("推诿", Keys.ENTER)
    wait(lambda: all_of(".finding.by-hand"), "and marked again, by its title")


def submitted():
    """Ctrl+Enter from wherever one types submits the form and opens the next call, which says what became of the last one."""
    one("[name=weaknesses]").send_keys(Keys.CONTROL, Keys.ENTER)
    wait(lambda: not driver.current_url.startswith(BASE + CALL + "?") and "done=c05" in driver.current_url, "the next call is open")
    assert "已提交" in one(".notice").text and "c05" in one(".notice").text, one(".notice").text
    assert driver.execute_script("return sessionStorage.length") == 0, "no draft is left of what was submitted"
    driver.get(BASE + CALL)
    wait(lambda: "已提交" in one("#head .chip").text, "the chip tells, and nothing offers to begin again")
    assert "开始复核" not in one("#head").text and one("[name=strengths]").get_attribute("value") == "语速平稳"


def kept():
    """g, a reload and another tab lose nothing that was typed."""
    driver.get(f"{BASE}/calls/t2")
    one("[name=strengths]").send_keys("没有提交的话")
    one("[name=strengths]").send_keys(Keys.ESCAPE)
    press("g")
    wait(lambda: "left=t2" in driver.current_url, "the next call")
    assert "t2" in one(".notice").text and "没有提交" in one(".notice").text, "what was left is told"
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    driver.get(f"{BASE}/calls/t2")
    value = lambda: one("[name=strengths]").get_attribute("value")
    wait(lambda: value() == "没有提交的话", "the other tab has it, too")
    driver.get(f"{BASE}/tasks")
    assert "还没有提交的复核" in one("main").text and "t2" in one("main").text, "and the tasks name it"
    shot("tasks")
    driver.close()
    driver.switch_to.window(first)
    driver.get(f"{BASE}/calls/t2")
    driver.refresh()
    assert value() == "没有提交的话", "after a reload, too"
    one("[name=strengths]").clear()


def found():
    """One box finds a call by its number, an agent, and words; from any page by a key."""
    driver.get(f"{BASE}/queue")
    press("/")
    press("c05" + Keys.ENTER)
    wait(lambda: driver.current_url == BASE + CALL, "the number opens the call")
    press("/")
    press("陈晓" + Keys.ENTER)
    wait(lambda: all_of("a[href='/agents/3021']"), "the agent is found")
    one("a[href*='agent=3021&state=done']").click()
    wait(lambda: all_of("table.calls tbody a"), "the reviewed calls of the agent")
    one("table.calls tbody a").click()
    wait(lambda: driver.current_url == BASE + CALL, "two clicks to a reviewed call of an agent")
    driver.get(f"{BASE}/search?q=没有人说这个")
    assert all_of("main .empty"), "nothing found says what to do"
    driver.get(f"{BASE}/search?q=归我管")
    assert one("table.calls mark").text == "归我管", "what was looked for is marked"
    shot("search")
    one("[name=role]").click()
    Select(one("[name=role]")).select_by_value("customer")
    wait(lambda: "role=customer" in driver.current_url and not all_of("table.calls mark"), "the customer did not say so")


def appeal():
    login("zuoxi")
    driver.get(BASE + CALL)
    assert all_of(".finding") and "可申诉至" in one(".judge").text, "the agent sees what was confirmed, and how long to appeal"
    assert "得分怎么来的" in one(".sheet").text and one(".finding blockquote mark").text, "why, and the words"
    one("form[action$='/receipt'] button").click()
    wait(lambda: "已签收" in one(".sheet").text, "the result is signed")
    one("details.appeal summary").click()
    one("details.appeal textarea").send_keys("当时是在确认数量，不是反问")
    driver.refresh()
    wait(lambda: one("details.appeal textarea").get_attribute("value") == "当时是在确认数量，不是反问", "the words are back")
    one("details.appeal button").click()
    wait(lambda: driver.current_url.endswith("/appeals"), "the appeal is sent")
    assert not drafts(), f"and no draft of it is left: {drafts()}"
    shot("appeal-agent")
    driver.get(f"{BASE}/mine")
    shot("agent")


def decide():
    login("zhuguan")
    driver.get(f"{BASE}/dashboard")
    before = one("main").text
    driver.get(f"{BASE}/appeals")
    card = one("article.card")
    assert card.find_elements(By.CSS_SELECTOR, "audio") and card.find_elements(By.CSS_SELECTOR, "blockquote mark"), "heard and read here"
    assert "申诉理由" in card.text and "属实" in card.text and one("nav a[href='/appeals'] .badge").text == "1"
    shot("appeal-open")
    one("textarea[name=reason]").send_keys("听过录音，确为询问")
    driver.refresh()
    wait(lambda: one("textarea[name=reason]").get_attribute("value") == "听过录音，确为询问", "the words are back")
    one('button[name=granted][value="1"]').click()
    wait(lambda: not all_of("textarea[name=reason]") and "申诉成立" in one("main").text, "it is decided")
    assert not drafts(), f"no draft of the decision is left: {drafts()}"
    shot("appeals")
    driver.get(f"{BASE}/dashboard")
    assert one("main").text != before, "the dashboard follows"
    for name in ["dashboard", "reviewers", "rules", "agents"]:
        driver.get(f"{BASE}/{name}")
        shot(name)
    driver.get(f"{BASE}/rules/rhetorical-question")
    shot("rule")


def left():
    """What somebody began to write is gone at logout."""
    login("zhijian")
    driver.get(BASE + CALL)
    press("j")
    press(" ")
    one(".finding.chosen [name=note]").send_keys("不给别人看")
    assert drafts(), "a draft is kept"
    one("form[action='/logout'] button").click()
    wait(lambda: driver.current_url.endswith("/login"), "out")
    assert driver.execute_script("return sessionStorage.length") == 0, "nothing is left for the next one"


def walked():
    """j and k go through the queue, Enter opens what they reach."""
    login("zhijian")
    driver.get(f"{BASE}/queue?state=all")
    links = [row.find_element(By.CSS_SELECTOR, "a[href^='/calls/']").get_attribute("href") for row in all_of("table.calls tbody tr")]
    at = lambda: driver.switch_to.active_element.get_attribute("href")
    press("j")
    press("j")
    press("k")
    press("j")
    assert at() == links[1], f"the second call has the focus: {at()}"
    press(Keys.ENTER)
    wait(lambda: driver.current_url == links[1], "it opens")


def people():
    login("admin")
    driver.get(f"{BASE}/users")
    before = len(all_of("tbody tr"))
    one("[name=name]").send_keys("nobody")
    Select(one("[name=role]")).select_by_value("admin")
    one("[name=display]").send_keys("没有人")  # On the same page still, or this would fail.
    assert one("[name=name]").get_attribute("value") == "nobody", "choosing a role adds nobody"
    driver.get(f"{BASE}/users")
    assert len(all_of("tbody tr")) == before, "nobody was added"
    driver.get(f"{BASE}/audit?action=decide")
    assert one("tbody tr a").get_attribute("href").endswith(CALL), "a decision leads to its call"
    assert "申诉 1：成立" in one("tbody tr").text, "and says in words what was decided"
    shot("audit")


def printed():
    """A printed form has whole lines, a place for the signature, and no buttons."""
    login("zhijian")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    driver.get(BASE + CALL)
    wide = lambda css: driver.execute_script("return document.querySelector(arguments[0]).getBoundingClientRect().width", css)
    assert wide(".turn") > 600 and wide(".sheet") > 600, (wide(".turn"), wide(".sheet"))
    assert one(".sheet .paper").is_displayed() and "坐席签收" in one(".sheet .paper").text
    assert not one("form.verdict").is_displayed() and not one(".top").is_displayed()
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def narrow():
    """No page is wider than a small screen, in either language."""
    for language in ["en", "zh-CN"]:
        for width, height in [(1024, 768), (820, 1180), (390, 844)]:
            # A window cannot be made that narrow everywhere; what the page is told can.
            screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            for path in [CALL, "/rules", "/dashboard", "/agents", "/reviewers", "/queue", "/tasks", "/appeals", "/search?q=我", "/dashboard/report?period=2026-11"]:
                driver.get(BASE + path)
                if path == CALL:
                    press("m")
                if one("html").get_attribute("lang") != language:
                    one("button[name=lang]").click()
                    wait(lambda: one("html").get_attribute("lang") == language, "the language changes")
                    driver.get(BASE + path)
                wide = driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide <= 0, f"{path} is {wide} px too wide for {width}, {language}"
                driver.save_screenshot(str(SHOTS / f"narrow-{language}-{width}{path.replace('/', '-').split('?')[0]}.png"))
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


try:
    for step in [review, kept, found, appeal, decide, left, walked, printed, people, narrow]:
        step()
        print("ok", step.__name__)
except BaseException:
    driver.save_screenshot(str(SHOTS / "failed.png"))
    raise
finally:
    driver.quit()
