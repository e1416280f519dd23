"""Uses the official Python SDKs as any agent would: by nothing but the environment that points them at this gateway."""

import json

import anthropic
import openai

TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_MODEL = "gpt-5-mini"
ANTHROPIC_MODEL = "claude-sonnet-4-5"
TEXT = "Grüße from the model."


def chat(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    answer = client.chat.completions.create(model=OPENAI_MODEL, messages=messages)
    assert answer.choices[0].message.content == TEXT, answer
    assert answer.usage.prompt_tokens == 1000

    pieces = list(client.chat.completions.create(model=OPENAI_MODEL, messages=messages, stream=True))
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == TEXT, pieces
    assert pieces[-1].usage.completion_tokens == 100

    tools = [{"type": "function", "function": {"name": "weather", "parameters": TOOL}}]
    asked = client.chat.completions.create(model=OPENAI_MODEL, messages=messages, tools=tools)
    call = asked.choices[0].message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Kiel"}
    messages += [asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Fog."}]
    last = client.chat.completions.create(model=OPENAI_MODEL, messages=messages, tools=tools)
    assert last.choices[0].message.content == TEXT


def responses(client: openai.OpenAI) -> None:
    answer = client.responses.create(model=OPENAI_MODEL, input="Hi")
    assert answer.output_text == TEXT, answer
    assert answer.usage.input_tokens == 1000

    events = list(client.responses.create(model=OPENAI_MODEL, input="Hi", stream=True))
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == TEXT
    assert events[-1].type == "response.completed"

    tools = [{"type": "function", "name": "weather", "parameters": TOOL, "strict": False}]
    asked = client.responses.create(model=OPENAI_MODEL, input=[{"role": "user", "content": "Hi"}], tools=tools)
    call = asked.output[0]
    assert json.loads(call.arguments) == {"city": "Kiel"}
    history = [
        {"role": "user", "content": "Hi"},
        call.to_dict(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "Fog."},
    ]
    assert client.responses.create(model=OPENAI_MODEL, input=history, tools=tools).output_text == TEXT


def messages(client: anthropic.Anthropic) -> None:
    said = [{"role": "user", "content": "Hi"}]
    answer = client.messages.create(model=ANTHROPIC_MODEL, max_tokens=500, messages=said)
    assert answer.content[0].text == TEXT, answer

    with client.messages.stream(model=ANTHROPIC_MODEL, max_tokens=500, messages=said) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().usage.output_tokens == 100

    tools = [{"name": "weather", "input_schema": TOOL}]
    asked = client.messages.create(model=ANTHROPIC_MODEL, max_tokens=500, messages=said, tools=tools)
    call = asked.content[0]
    assert call.input == {"city": "Kiel"}
    said += [
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "Fog."}]},
    ]
    last = client.messages.create(model=ANTHROPIC_MODEL, max_tokens=500, messages=said, tools=tools)
    assert last.content[0].text == TEXT


def refusals(client: openai.OpenAI, other: anthropic.Anthropic) -> None:
    hi = [{"role": "user", "content": "Hi"}]
    refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-unlisted", messages=hi))
    refused(
        openai.PermissionDeniedError,
        lambda: client.responses.create(model=OPENAI_MODEL, input="Hi", tools=[{"type": "web_search"}]),
    )
    refused(
        openai.AuthenticationError,
        lambda: client.with_options(api_key="not-a-token").chat.completions.create(model=OPENAI_MODEL, messages=hi),
    )
    refused(
        anthropic.NotFoundError,
        lambda: other.messages.create(model="claude-unlisted", max_tokens=500, messages=hi),
    )
    refused(
        anthropic.PermissionDeniedError,
        lambda: other.messages.create(
            model=ANTHROPIC_MODEL,
            max_tokens=500,
            messages=hi,
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
        ),
    )
    refused(
        anthropic.AuthenticationError,
        lambda: other.with_options(api_key="not-a-token").messages.create(
            model=ANTHROPIC_MODEL, max_tokens=500, messages=hi
        ),
    )


def refused(kind: type[Exception], call) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{kind.__module__}.{kind.__name__} was expected")


def main() -> None:
    client = openai.OpenAI()
    other = anthropic.Anthropic()
    chat(client)
    responses(client)
    messages(other)
    refusals(client, other)
    assert OPENAI_MODEL in [model.id for model in client.models.list()]
    print(f"openai {openai.__version__}, anthropic {anthropic.__version__}: all as documented")


main()
