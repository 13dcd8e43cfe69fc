//! An SMTP server for one test: in plain text, with STARTTLS, or TLS from the start. It can refuse, delay, and be away.

use super::mails::Mail;
use base64::Engine as _;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The user and password that it takes, as base64 of AUTH PLAIN has them.
const LOGIN: &str = "\0taskwire\0s3cret of smtp";

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    Plain,
    StartTls,
    Tls,
}

/// What the server does.
#[derive(Default)]
struct State {
    taken: Vec<(String, String)>,
    /// The answers to the next mails to an address.
    answers: HashMap<String, VecDeque<&'static str>>,
    /// How many recipients were named.
    asked: usize,
    delay: Duration,
}

pub struct Smtp {
    pub address: SocketAddr,
    encryption: Encryption,
    state: Arc<Mutex<State>>,
    accepting: Option<JoinHandle<()>>,
}

/// The certificate of the server, which signs itself.
pub fn certificate() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/integration/support/smtp/certificate.pem")
}

impl Smtp {
    pub async fn start(encryption: Encryption) -> Smtp {
        let mut smtp = Smtp {
            address: ([127, 0, 0, 1], 0).into(),
            encryption,
            state: Arc::default(),
            accepting: None,
        };
        smtp.listen().await;
        smtp
    }

    /// Listens, at the same address as before.
    pub async fn listen(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        let (state, encryption) = (self.state.clone(), self.encryption);
        self.accepting = Some(tokio::spawn(async move {
            loop {
                let Ok((socket, _)) = listener.accept().await else {
                    return;
                };
                tokio::spawn(serve(socket, encryption, state.clone()));
            }
        }));
    }

    /// Goes away.
    pub async fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            let _ = accepting.await;
        }
    }

    /// The URL of the setting `smtp_url`.
    pub fn url(&self) -> String {
        let scheme = if self.encryption == Encryption::Tls {
            "smtps"
        } else {
            "smtp"
        };
        format!(
            "{scheme}://taskwire:s3cret%20of%20smtp@localhost:{}",
            self.address.port()
        )
    }

    /// How it answers the next times that an address is named as the recipient.
    pub fn answer(&self, address: &str, answers: &[&'static str]) {
        let mut state = self.state.lock().expect("the state");
        state
            .answers
            .insert(address.to_owned(), answers.iter().copied().collect());
    }

    /// How long it looks at a mail before it takes it.
    pub fn delay(&self, delay: Duration) {
        self.state.lock().expect("the state").delay = delay;
    }

    /// The mails that it took for an address.
    pub fn taken(&self, address: &str) -> Vec<Mail> {
        let state = self.state.lock().expect("the state");
        let taken = state.taken.iter().filter(|(to, _)| to == address);
        taken.map(|(_, text)| Mail::read(text)).collect()
    }

    /// How often a recipient was named.
    pub fn asked(&self) -> usize {
        self.state.lock().expect("the state").asked
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificate()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(certificate_key()).expect("its key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a server's settings");
    TlsAcceptor::from(Arc::new(config))
}

fn certificate_key() -> PathBuf {
    certificate().with_file_name("key.pem")
}

async fn serve(socket: TcpStream, encryption: Encryption, state: Arc<Mutex<State>>) -> io::Result<()> {
    if encryption == Encryption::Tls {
        let socket = acceptor().accept(socket).await?;
        talk(BufReader::new(socket), true, false, &state).await?;
        return Ok(());
    }
    let offers = encryption == Encryption::StartTls;
    if let Some(socket) = talk(BufReader::new(socket), true, offers, &state).await? {
        let socket = acceptor().accept(socket).await?;
        talk(BufReader::new(socket), false, false, &state).await?;
    }
    Ok(())
}

/// Speaks until the client leaves, or asks for STARTTLS: then returns the connection. With STARTTLS to come it takes no
/// mail.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut link: BufReader<S>,
    greets: bool,
    offers: bool,
    state: &Mutex<State>,
) -> io::Result<Option<S>> {
    if greets {
        link.write_all(b"220 localhost ESMTP\r\n").await?;
    }
    let (mut recipients, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        if link.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let command = line.trim_end().to_owned();
        let verb = command.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (verb.as_str(), offers) {
            ("EHLO", true) => "250-localhost\r\n250-8BITMIME\r\n250 STARTTLS".to_owned(),
            ("EHLO", false) => "250-localhost\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN".to_owned(),
            ("STARTTLS", true) => {
                link.write_all(b"220 go ahead\r\n").await?;
                return Ok(Some(link.into_inner()));
            }
            ("QUIT", _) => {
                link.write_all(b"221 bye\r\n").await?;
                return Ok(None);
            }
            ("MAIL" | "AUTH", true) => "530 STARTTLS first".to_owned(),
            ("AUTH", false) => signs_in(&command),
            ("RCPT", _) => recipient(&command, &mut recipients, state),
            ("DATA", _) => {
                link.write_all(b"354 go ahead\r\n").await?;
                take(&mut link, &recipients, state).await?
            }
            _ => "250 ok".to_owned(),
        };
        link.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

fn signs_in(command: &str) -> String {
    let given = command.rsplit(' ').next().unwrap_or_default();
    let given = base64::prelude::BASE64_STANDARD.decode(given).unwrap_or_default();
    let answer = if given == LOGIN.as_bytes() {
        "235 welcome"
    } else {
        "535 5.7.8 wrong"
    };
    answer.to_owned()
}

fn recipient(command: &str, recipients: &mut Vec<String>, state: &Mutex<State>) -> String {
    let address = command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
    let mut state = state.lock().expect("the state");
    state.asked += 1;
    let answers = state.answers.get_mut(&address);
    if let Some(answer) = answers.and_then(VecDeque::pop_front) {
        // servers quote the address
        return format!("{answer} <{address}>: said the test");
    }
    recipients.push(address);
    "250 ok".to_owned()
}

async fn take<S: AsyncRead + AsyncWrite + Unpin>(
    link: &mut BufReader<S>,
    recipients: &[String],
    state: &Mutex<State>,
) -> io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if link.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            break;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
    let delay = state.lock().expect("the state").delay;
    tokio::time::sleep(delay).await;
    let mut state = state.lock().expect("the state");
    state
        .taken
        .extend(recipients.iter().map(|to| (to.clone(), text.clone())));
    Ok("250 taken".to_owned())
}
