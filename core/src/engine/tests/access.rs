//! Users from redis.conf and from an ACL file, and commands that go by other names.

use super::Host;
use crate::config::Config;
use crate::engine::Engine;
use crate::server::Hooks;
use alloc::string::ToString;
use core::sync::atomic::{AtomicUsize, Ordering};

fn of(text: &str) -> Host {
    let config = Config::parse_text(text).expect("the text is right");
    Engine::check_config(&config).expect("the commands are there");
    Host::with(config, &[], Hooks::default())
}

#[test]
fn users_of_the_configuration_are_there_from_the_start() {
    let mut host = of("user default on nopass ~* +@all -flushdb\nuser bob +get ~k* >pw (+set ~w)");
    let a = host.client();
    assert_eq!(
        host.say(a, "FLUSHDB\nPUBLISH a b\nACL LIST\nAUTH bob pw\n"),
        "-NOPERM this user has no permissions to run the 'flushdb' command|\
         -NOPERM this user has no permissions to access one of the channels used as arguments|\
         *2|$137|user bob off #30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4 ~k* \
         resetchannels -@all +get (~w resetchannels -@all +set)|\
         $71|user default on nopass sanitize-payload ~* resetchannels +@all -flushdb|\
         -WRONGPASS invalid username-password pair or user is disabled.|"
    );
    assert!(host.log.iter().any(|line| line.starts_with("The user 'bob' is disabled")));
}

#[test]
fn a_password_in_the_configuration_is_the_default_users() {
    let mut host = of("requirepass secret");
    let a = host.client();
    assert_eq!(host.say(a, "PING\nAUTH no\nAUTH secret\n").matches('|').count(), 3);
    assert_eq!(host.say(a, "ACL WHOAMI\n"), "$7|default|");
    assert_eq!(host.say(a, "CONFIG SET requirepass \"\"\n"), "+OK|");
    let b = host.client();
    assert_eq!(host.say(b, "PING\n"), "+PONG|");
}

#[test]
fn wrong_users_in_the_configuration_are_named() {
    let refused = |text: &str| {
        let config = Config::parse_text(text).map_err(|error| error.reason);
        config
            .and_then(|config| Engine::check_config(&config).map_err(|error| error.reason))
            .expect_err("it is wrong")
    };
    assert_eq!(
        refused("user a on\nuser a off"),
        "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config \
         files"
    );
    assert_eq!(
        refused("user a +nosuch"),
        "Error in user declaration '+nosuch': Unknown command or category name in ACL"
    );
    assert!(refused("user a (+get").contains("Unmatched parenthesis"));
    assert!(refused("user \"a b\" on").contains("Spaces not allowed in ACL usernames"));
    let both = refused("user a on\naclfile x.acl");
    assert!(both.starts_with("Configuring Redis with users defined in redis.conf and at the same"));
}

#[test]
fn an_acl_file_is_read_whole_or_not_at_all() {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    fn read(path: &str) -> Result<alloc::vec::Vec<u8>, alloc::string::String> {
        assert_eq!(path, "x.acl");
        match TURN.load(Ordering::Relaxed) {
            0 => Ok(b"user alice on nopass +@all ~*\nuser default on nopass ~* &* +@all".to_vec()),
            1 => Ok(b"user alice on nopass -@all\nuser alice off\n".to_vec()),
            _ => Err("No such file or directory".to_string()),
        }
    }
    let hooks = Hooks { read_acl_file: read, ..Hooks::default() };
    let mut host = Host::with(Config::default(), &[("aclfile", "x.acl")], hooks);
    host.engine.load_acl_file().expect("the file is right");
    let (a, b) = (host.client(), host.client());
    assert_eq!(host.say(b, "AUTH alice x\n"), "+OK|");
    TURN.store(1, Ordering::Relaxed);
    assert_eq!(
        host.say(a, "ACL LOAD\nACL USERS\n"),
        "-ERR WARNING: Duplicate user 'alice' found on line 2. WARNING: ACL errors detected, no change \
         to the previously active ACL rules was performed|*2|$5|alice|$7|default|"
    );
    assert_eq!(host.say(b, "ACL WHOAMI\n"), "$5|alice|");
    TURN.store(2, Ordering::Relaxed);
    assert_eq!(
        host.say(a, "ACL LOAD\n"),
        "-ERR Error loading ACLs, opening file 'x.acl': No such file or directory|"
    );
    assert!(host.engine.load_acl_file().is_err());
    TURN.store(0, Ordering::Relaxed);
    assert_eq!(host.say(a, "ACL LOAD\nPING\n"), "+OK|+PONG|");
    assert_eq!(host.say(b, "PING\n"), "(closed)");
    assert!(
        host.say(a, "ACL SAVE\n").starts_with("-ERR There was an error trying to save the ACLs.")
    );
}

#[test]
fn commands_go_by_their_new_names_and_are_allowed_by_their_own() {
    let mut host =
        of("rename-command get \"\"\nrename-command set FOO\nrename-command config \"CoNf\"\n\
                       user bob on nopass +set +conf|get ~k*"
            .replace("+conf|get", "+config|get")
            .as_str());
    let a = host.client();
    for (said, heard) in [
        ("GET k\n", "-ERR unknown command 'GET', with args beginning with: 'k' |"),
        ("SET k v\n", "-ERR unknown command 'SET', with args beginning with: 'k' 'v' |"),
        ("foo k v\nSTRLEN k\n", "+OK|:1|"),
        ("foo\n", "-ERR wrong number of arguments for 'set' command|"),
        ("CONF nosuch\n", "-ERR unknown subcommand 'nosuch'. Try CONF HELP.|"),
        ("conf get port\n", "*2|$4|port|$4|6379|"),
        ("COMMAND INFO get set\n", "*2|*-1|*-1|"),
        ("COMMAND LIST FILTERBY PATTERN s?t\n", "*1|$3|set|"),
        ("COMMAND GETKEYS foo a b\n", "*1|$1|a|"),
        ("COMMAND GETKEYS set a b\n", "-ERR Invalid command specified|"),
        ("ACL DRYRUN bob set k v\n", "-ERR Command 'set' not found|"),
        ("ACL DRYRUN bob foo k v\n", "+OK|"),
        (
            "ACL SETUSER bob +foo\n",
            "-ERR Error in ACL SETUSER modifier '+foo': Unknown command or category name in ACL|",
        ),
        ("MULTI\nfoo k w\nSTRLEN k\nEXEC\n", "+OK|+QUEUED|+QUEUED|*2|+OK|:1|"),
        (
            "AUTH bob x\nfoo x y\n",
            "+OK|-NOPERM this user has no permissions to access one of the keys \
                                    used as arguments|",
        ),
        (
            "conf set port 1\n",
            "-NOPERM this user has no permissions to run the 'config|set' command|",
        ),
    ] {
        assert_eq!(host.say(a, said), heard, "{said}");
    }
}

#[test]
fn who_has_not_authenticated_and_does_not_read_is_cut_off() {
    let mut host = of("requirepass secret");
    let a = host.client();
    host.deaf = Some(a);
    for _ in 0..1_000 {
        host.say(a, "SET x 5\n");
    }
    assert!(host.seen[0].2, "it is closed");
}
