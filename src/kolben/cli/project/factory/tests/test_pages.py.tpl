def test_the_start_page_asks_for_a_name(client):
    response = client.get("/")

    assert response.status_code == 200
    assert "Who is there?" in response.text


def test_a_name_is_greeted_and_remembered(client):
    response = client.post("/", data={"name": "<Ada>"}, follow_redirects=True)

    assert "Nice to meet you, &lt;Ada&gt;!" in response.text
    assert "Hello, <em>&lt;Ada&gt;</em>!" in client.get("/").text


def test_no_name_is_asked_for_again(client):
    assert "Please tell me your name." in client.post("/", data={"name": " "}, follow_redirects=True).text


def test_a_name_can_be_forgotten(client):
    client.post("/", data={"name": "Ada"})

    client.post("/forget")

    assert "Ada" not in client.get("/").text


def test_an_async_view_answers(client):
    assert "<h1>About</h1>" in client.get("/about").text


def test_json_is_sent(client):
    assert client.get("/health").json == {"status": "ok"}


def test_a_page_that_is_not_there_is_said_nicely(client):
    response = client.get("/nowhere")

    assert response.status_code == 404
    assert "There is nothing at <code>/nowhere</code>" in response.text


def test_static_files_are_served(client):
    response = client.get("/static/style.css")

    assert response.mimetype == "text/css"
