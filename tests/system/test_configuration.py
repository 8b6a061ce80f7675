"""What ssh_config says about algorithms, environment and methods reaches the connection."""
import subprocess

import pytest


def config_for(sshd, tmp_path, options, login="t-bash"):
    path = tmp_path / "config"
    lines = "".join(f"  {line}\n" for line in options)
    path.write_text(f"""Host old
  HostName {sshd.host}
  Port {sshd.port}
  User {login}
{lines}  IdentityFile {sshd.client_key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {sshd.known_hosts}
  GlobalKnownHostsFile /dev/null
""")
    return path


LEGACY = [
    ("KexAlgorithms diffie-hellman-group14-sha1", "diffie-hellman-group14-sha1"),
    ("KexAlgorithms diffie-hellman-group1-sha1", "diffie-hellman-group1-sha1"),
    ("KexAlgorithms diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha1"),
    ("Ciphers aes128-cbc", "aes128-cbc"),
    ("Ciphers 3des-cbc", "3des-cbc"),
]


@pytest.mark.parametrize("line,name", LEGACY, ids=[name for _, name in LEGACY])
def test_legacy_only_where_the_configuration_asks_and_then_it_is_said(own_sshd, start_server, tmp_path, line, name):
    sshd = own_sshd(extra=line)
    refused = start_server(config=config_for(sshd, tmp_path, [])).execute("old", "true")
    assert refused.is_error and "key exchange failed" in refused.text and name in refused.text, refused
    keyword = line.split()[0]
    server = start_server(config=config_for(sshd, tmp_path, [f"{keyword} +{name}"]))
    result = server.execute("old", "echo hi")
    assert result.output == "hi\n" and result.exit_status == 0, result
    assert f"[this connection uses {name}, which is no longer safe" in result.text
    assert "no longer safe" not in server.execute("old", "echo hi").text
    assert name in server.call_tool("list_sessions").text


@pytest.mark.parametrize("line", [
    "KexAlgorithms diffie-hellman-group14-sha256", "KexAlgorithms diffie-hellman-group-exchange-sha256",
    "KexAlgorithms diffie-hellman-group16-sha512", "Ciphers chacha20-poly1305@openssh.com",
    "MACs hmac-sha1\nCiphers aes128-ctr", "MACs hmac-sha1-etm@openssh.com\nCiphers aes256-ctr"])
def test_what_openssh_offers_by_default_is_offered(own_sshd, start_server, tmp_path, line):
    sshd = own_sshd(extra=line)
    assert sshd.ssh("t-bash", "true").returncode == 0
    result = start_server(config=config_for(sshd, tmp_path, [])).execute("old", "echo hi")
    assert result.output == "hi\n" and "no longer safe" not in result.text, result


def test_nothing_in_common_names_what_would_do(sshd, start_server, tmp_path):
    config = config_for(sshd, tmp_path, ["KexAlgorithms sntrup761x25519-sha512@openssh.com"])
    result = start_server(config=config).execute("old", "true")
    assert result.is_error and "KexAlgorithms" in result.text and "curve25519-sha256" in result.text


def test_set_env_and_send_env_arrive_in_every_kind_of_channel(own_sshd, start_server, tmp_path):
    sshd = own_sshd(extra="AcceptEnv MCP_* LC_*")
    config = config_for(sshd, tmp_path, ['SetEnv MCP_A="x y" MCP_B=2 OTHER=3', "SendEnv LC_* MCP_A"])
    server = start_server(config=config, env={"LC_TEST": "from here", "MCP_A": "not this"})
    ask = 'echo "$MCP_A|$MCP_B|$OTHER|$LC_TEST"'
    for arguments in ({}, {"isolated": True}):
        result = server.execute("old", ask, **arguments)
        assert result.output == "x y|2||from here\n", result


def test_rsa_keys_shorter_than_asked_for_are_refused(own_sshd, start_server, tmp_path):
    sshd = own_sshd()
    key = sshd.add_key("id_rsa_2048", kind="rsa", bits=2048)
    lines = [f"IdentityFile {key}", "PreferredAuthentications publickey"]
    config = config_for(sshd, tmp_path, lines + ["RequiredRSASize 3072"])
    config.write_text(config.read_text().replace(f"  IdentityFile {sshd.client_key}\n", ""))
    result = start_server(config=config).execute("old", "true")
    assert result.is_error and "refused user" in result.text, result
    config.write_text(config.read_text().replace("3072", "2048"))
    assert start_server(config=config).execute("old", "echo hi").output == "hi\n"


def test_methods_that_the_configuration_switches_off_are_not_tried(sshd, start_server, tmp_path):
    config = config_for(sshd, tmp_path, ["PreferredAuthentications password"])
    result = start_server(config=config).execute("old", "true")
    assert result.is_error and "id_ed25519" not in result.text
    result = start_server(config=config).execute("old", "echo hi", password=sshd.password)
    assert result.output == "hi\n"
    config = config_for(sshd, tmp_path, ["PasswordAuthentication no", "PubkeyAuthentication no"])
    result = start_server(config=config).execute("old", "true", password=sshd.password)
    assert result.is_error and "refused user" in result.text


@pytest.mark.parametrize("path", [None, "/nonexistent"], ids=["ssh", "no_ssh_program"])
def test_options_of_the_operator_win_over_the_file(sshd, start_server, tmp_path, path):
    config = config_for(sshd, tmp_path, [], login="nobody-here")
    env = {"PATH": path} if path else {}
    server = start_server("--ssh-option", "User=t-dash", "--ssh-option", "SetEnv X=1", config=config, env=env)
    assert server.execute("old", "echo hi").session.startswith("t-dash@")


@pytest.mark.parametrize("option", ["", "User=\nProxyCommand=x", "\x1b"])
def test_an_option_that_is_none_is_refused_at_once(binary, option):
    done = subprocess.run([binary, "--ssh-option", option], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 2 and b"Keyword=value" in done.stderr and done.stdout == b""
