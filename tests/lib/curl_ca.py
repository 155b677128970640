# SPDX-License-Identifier: Apache-2.0
"""A private CA as foreign command-line programs see it: URLs, files, curl."""
import instance
import program


class CurlCa(instance.Ca):
    """instance.Ca with the names that such programs are given."""

    @property
    def url(self):
        return f"http://localhost:{self.http}"

    @property
    def tls_url(self):
        return f"https://localhost:{self.https}"

    @property
    def ca_file(self):
        return self.ca_crt

    def curl(self, path, *argv, agent=True, status=0):
        """The body of an answer over TLS; `path` begins with '/'."""
        cert = ["--cert", self.admin_pem] if agent else []
        return program.run("curl", "-sS", "--cacert", self.ca_crt, *cert, *argv, self.tls_url + path,
                           status=status).stdout
