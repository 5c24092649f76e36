"""The web over TLS, as Python's own client sees it: address, authority; JSON on standard output."""

import http.client
import json
import socket
import ssl
import sys

host, port = sys.argv[1].rsplit(":", 1)
port = int(port)
context = ssl.create_default_context(cafile=sys.argv[2])


def ask(method, path, body=None, headers=None):
    client = http.client.HTTPSConnection(host, port, context=context, timeout=20)
    client.request(method, path, body, headers or {})
    answer = client.getresponse()
    return answer, answer.read().decode()


def fails(action):
    try:
        action()
    except (OSError, http.client.HTTPException):
        return True
    return False


def old():
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    weak.check_hostname = False
    weak.verify_mode = ssl.CERT_NONE
    weak.minimum_version = ssl.TLSVersion.TLSv1
    weak.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((host, port), 10) as plain:
        weak.wrap_socket(plain)


def plain():
    client = http.client.HTTPConnection(host, port, timeout=10)
    client.request("GET", "/fhir/metadata")
    client.getresponse()


# Who says nothing holds up nobody.
silent = [socket.create_connection((host, port)) for _ in range(20)]
metadata, _ = ask("GET", "/fhir/metadata")
form = {"Content-Type": "application/x-www-form-urlencoded"}
signed, _ = ask("POST", "/sign-in", "name=sato&password=correct+horse+battery", form)
cookie = signed.getheader("Set-Cookie", "")
session = {"Cookie": cookie.split(";")[0]}
found, text = ask("GET", "/fhir/Patient?_count=1", headers=session)
# A cookie that a plain page could have set is no session.
other = {"Cookie": session["Cookie"].replace("__Host-", "")}
foreign, _ = ask("POST", "/sign-in", "", form | {"Origin": f"http://{host}:{port}"})
own, _ = ask("POST", "/sign-in", "", form | {"Origin": f"https://{host}:{port}"})
print(
    json.dumps(
        {
            "metadata": metadata.status,
            "hsts": metadata.getheader("Strict-Transport-Security"),
            "cookie": cookie.split("=")[0],
            "secure": "Secure" in cookie,
            "found": found.status,
            "links": json.loads(text)["link"][0]["url"].split("://")[0] if found.status == 200 else text,
            "scheme_of_the_client": ask(
                "GET", "/fhir/Patient?_count=1", headers=session | {"X-Kura-Scheme": "http"}
            )[1].count("http://127"),
            "plain_cookie": ask("GET", "/fhir/Patient?_count=1", headers=other)[0].status,
            "plain_page": foreign.status,
            "own_page": own.status,
            "old_is_refused": fails(old),
            "plain_is_refused": fails(plain),
        }
    )
)
for one in silent:
    one.close()
