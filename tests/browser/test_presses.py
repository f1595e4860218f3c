"""A press that comes just as a tab's or the page's own first answer has come, over a connection that ends late."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium
from tests.browser.chromium import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)

# Lets the news that a stream of the queue is closed arrive late; what is asked until then gets no stream of its own.
_LATE_END = """
const ask = window.fetch;
window.fetch = async (...asked) => {
  const answer = await ask(...asked);
  if (!(asked[0].url ?? String(asked[0])).includes("/queue/data")) return answer;
  const late = new TransformStream({
    async transform(text, stream) {
      if (text.includes("close_stream")) {
        const end = text.lastIndexOf("data:");
        stream.enqueue(text.slice(0, end));
        text = text.slice(end);
        await new Promise(over => setTimeout(over, 5000));
      }
      stream.enqueue(text);
    },
  });
  const body = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(late).pipeThrough(new TextEncoderStream());
  return new Response(body, answer);
};
"""


@pytest.mark.parametrize(
    ("tab", "pressed", "answer"),
    [
        ("Recognise", ".examples button:visible", "#recognise-reading .emotion"),
        ("Browse", "#browse-grid button", "#browse-title .query"),
        ("Teach", "#teach-learn", "#teach-status [role=alert]"),
    ],
)
def test_a_press_is_answered_though_the_tab_was_only_just_opened(
    page: Page, tab: str, pressed: str, answer: str
) -> None:
    page.add_init_script(_LATE_END)
    page.reload()
    open_tab(page, tab)
    page.locator(pressed).first.click()
    expect(page.locator(answer)).to_be_visible()
