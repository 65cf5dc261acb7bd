"""Twisted's POP3 protocol over a Maildir for each line of `users`: server.py ENDPOINT...

Twisted's own Maildir cannot be read by its POP3 protocol since Python 3 came.
"""

import pathlib
import sys

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import CramMD5Credentials
from twisted.cred.portal import IRealm, Portal
from twisted.internet import endpoints, protocol, reactor
from twisted.mail import pop3
from twisted.python import log
from zope.interface import implementer


class Mailbox(pop3.Mailbox):
    def __init__(self, maildir):
        self.messages = sorted((maildir / "new").iterdir())
        self.deleted = set()

    def listMessages(self, index=None):
        if index is None:
            return [self.listMessages(index) for index in range(len(self.messages))]
        return 0 if index in self.deleted else self.message(index).stat().st_size

    def getMessage(self, index):
        return self.message(index).open("rb")

    def getUidl(self, index):
        return self.message(index).name

    def deleteMessage(self, index):
        self.message(index)
        self.deleted.add(index)

    def undeleteMessages(self):
        self.deleted.clear()

    def sync(self):
        for index in self.deleted:
            self.message(index).unlink()

    def message(self, index):
        if not 0 <= index < len(self.messages):
            raise ValueError
        return self.messages[index]


@implementer(IRealm)
class Realm:
    def requestAvatar(self, user, mind, *interfaces):
        return pop3.IMailbox, Mailbox(pathlib.Path("mail", user.decode(), "Maildir")), lambda: None


@implementer(pop3.IServerFactory)
class Factory(protocol.ServerFactory):
    protocol = pop3.POP3
    challengers = {b"CRAM-MD5": CramMD5Credentials}

    def __init__(self, portal):
        self.portal = portal

    def buildProtocol(self, address):
        session = super().buildProtocol(address)
        session.portal = self.portal
        return session

    def cap_IMPLEMENTATION(self):
        return b"Twisted"

    def cap_EXPIRE(self):
        raise NotImplementedError

    def cap_LOGIN_DELAY(self):
        raise NotImplementedError


def main():
    log.startLogging(sys.stdout)
    users = InMemoryUsernamePasswordDatabaseDontUse()
    for line in pathlib.Path("users").read_bytes().splitlines():
        users.addUser(*line.split(b" ", 1))
    factory = Factory(Portal(Realm(), [users]))
    for endpoint in sys.argv[1:]:
        endpoints.serverFromString(reactor, endpoint).listen(factory)
    reactor.run()


main()
