#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the shipped profiles: generate.py [OUTDIR] (default: beside itself).

table.txt says what each profile does, names.txt how it is called, ids.txt how
its policies are called. Run it after
changing either and commit the result. With --check it writes nothing and fails
when a file on disk differs.

Words of table.txt:
  state    v listed for end users, h not; on / off
  who      authenticator + ACL (CMA: Certificate Manager Agents; Ent5..7: the
           administrators of the security domain's subsystems)
  inputs   see INPUTS; after "->" the output, see OUTPUTS
  subject  req, auth, tokU, tokD, cmcS, san, a quoted pattern, "pattern FILE";
           then `regular expression` or =constraint (see SUBJECT_CONSTRAINTS)
  days     default, "<=" limit; "ca" = cut at the CA's own end; "<=CA" =
           within the CA's validity
  key      R, R2, R8, E2, E3, D, K or a union of them; * = type not checked;
           +gen = made by the key recovery authority; - = no policy
  KU       ! critical; (loose) = the constraint checks nothing
  EKU      = : the constraint repeats the default
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

INPUTS = {
    'CR': ('certReqInputImpl', 'Certificate Request Input'),
    'KG': ('keyGenInputImpl', 'Key Generation'),
    'EKG': ('encKeyGenInputImpl', 'Encryption Key Generation'),
    'DKG': ('dualKeyGenInputImpl', 'Dual Key Generation'),
    'CMC': ('cmcCertReqInputImpl', 'Certificate Request Input'),
    'SN': ('subjectNameInputImpl', 'Subject Name'),
    'DN': ('subjectDNInputImpl', 'Subject Name'),
    'SI': ('submitterInfoInputImpl', 'Requestor Information'),
    'SER': ('serialNumRenewInputImpl',
            'Serial Number of Certificate to Renew'),
    'SKI': ('serverKeygenInputImpl', 'Server-Side Key Generation'),
    'RAI': ('raClientAuthInfoInputImpl',
            'RA Client authentication Information'),
    'GEN': ('genericInputImpl', 'Generic Input'),
    'FS': ('fileSigningInputImpl', 'File Signing Input'),
    'NK': ('nsNKeyCertReqInputImpl', 'Token Key Certificate Request Input'),
    'HK': ('nsHKeyCertReqInputImpl', 'Token Key Certificate Request Input'),
    'SAN': ('subjectAltNameExtInputImpl',
            'Subject Alternative Name Extension Information'),
}
OUTPUTS = {
    '': ('certOutputImpl', 'Certificate Output'),
    'P12': ('pkcs12OutputImpl', 'PKCS #12 Output'),
    'P7': ('pkcs7OutputImpl', 'PKCS #7 Output'),
    'NKO': ('nsNKeyOutputImpl', 'Token Key Output'),
}

def enterprise(names):
    return ' || '.join('group="Enterprise %s Administrators"' % n
                       for n in names.split())

ACLS = {
    'CMA': 'group="Certificate Manager Agents"',
    'Ent5': enterprise('OCSP CA KRA TKS TPS'),
    'Ent6': enterprise('OCSP RA CA KRA TKS TPS'),
    'Ent7': enterprise('OCSP RA CA KRA TKS TPS EST'),
}
ALG_A = ('SHA256withRSA SHA384withRSA SHA512withRSA SHA256withRSA/PSS '
         'SHA384withRSA/PSS SHA512withRSA/PSS SHA256withEC SHA384withEC '
         'SHA512withEC ML-DSA-44 ML-DSA-65 ML-DSA-87').split()
KEYS = {
    'R': ('RSA', '1024,2048,3072,4096'),
    'R2': ('RSA', '2048,3072,4096'),
    'R8': ('RSA', '2048,3072,4096,8192'),
    'E2': ('EC', 'nistp256,nistp521'),
    'E3': ('EC', 'nistp256,nistp384,nistp521'),
    'D': ('MLDSA', '44,65,87'),
    'K': ('MLKEM', '512,768,1024'),
}
KU_BITS = [
    ('dS', 'DigitalSignature'), ('nR', 'NonRepudiation'),
    ('dE', 'DataEncipherment'), ('kE', 'KeyEncipherment'),
    ('kA', 'KeyAgreement'), ('cS', 'KeyCertSign'), ('crl', 'CrlSign'),
    ('eO', 'EncipherOnly'), ('dO', 'DecipherOnly'),
]
EKUS = {
    'srv': '1.3.6.1.5.5.7.3.1', 'cli': '1.3.6.1.5.5.7.3.2',
    'code': '1.3.6.1.5.5.7.3.3', 'mail': '1.3.6.1.5.5.7.3.4',
    'ocsp': '1.3.6.1.5.5.7.3.9', 'msSC': '1.3.6.1.4.1.311.20.2.2',
}
FILE_PATTERN = ('CN=(Name)$request.requestor_name$'
                '(Text)$request.file_signing_text$'
                '(Size)$request.file_signing_size$'
                '(DigestType)$request.file_signing_digest_type$'
                '(Digest)$request.file_signing_digest$')
SUBJECT_CONSTRAINTS = {
    'req': 'userSubjectNameConstraintImpl',
    'shTok': 'cmcSharedTokenSubjectNameConstraintImpl',
    'signer': 'cmcUserSignedSubjectNameConstraintImpl',
    'hdrCert': 'raHeaderClientCertSubjectNameConstraintImpl',
    'raClient': 'raClientAuthSubjectNameConstraintImpl',
}
# Contents of the generic extensions, DER in hex.
GENERIC = {
    # BMPString "DomainController" (Microsoft certificate template name)
    '1.3.6.1.4.1.311.20.2':
        '1e20' + ''.join('%04x' % ord(c) for c in 'DomainController'),
    # SMIMECapabilities: AES-256, AES-192 and AES-128 in CBC mode, 3DES
    '1.2.840.113549.1.9.15': '3033300b060960864801650304012a'
        '300b0609608648016503040116300b0609608648016503040102'
        '300a06082a864886f70d0307',
}
CLASS_NAMES = {
    'noDefaultImpl': 'No Default',
    'noConstraintImpl': 'No Constraint',
    'userSubjectNameDefaultImpl': 'Subject Name Default',
    'subjectNameDefaultImpl': 'Subject Name Default',
    'authTokenSubjectNameDefaultImpl': 'Authenticated Subject Name Default',
    'userExtensionDefaultImpl': 'User Supplied Extension Default',
    'ocspNoCheckExtDefaultImpl': 'OCSP No Check Extension Default',
    'sanToCNDefaultImpl': 'SAN to CN Default',
    'commonNameToSANDefaultImpl': 'Common Name to SAN Default',
    'userKeyDefaultImpl': 'Key Default',
    'signingAlgDefaultImpl': 'Signing Algorithm Default',
    'signingAlgConstraintImpl': 'Signing Algorithm Constraint',
}

def class_name(class_id):
    """Displayed name of a plug-in: its id in words."""
    if class_id in CLASS_NAMES:
        return CLASS_NAMES[class_id]
    words = re.sub(r'Impl$', '', class_id).replace('Ext', 'Extension')
    words = re.sub(r'([a-z0-9])([A-Z])', r'\1 \2', words)
    words = re.sub(r'([A-Z])([A-Z][a-z])', r'\1 \2', words)
    words = words[0].upper() + words[1:]
    return re.sub(r'\b(Ca|Cmc|Crl|Ra|Ns)\b', lambda m: m[1].upper(), words)

# Order of the policies after subject, validity, key and the like (profiles.md
# 15.1): extensions stand in the certificate in this order.
ORDERS = {
    'acmeServerCert': 'KU EKU BC AKI AIA userExt san CP SKI ALG',
    'estServiceCert': 'KU EKU SKI AKI ALG userExt cn2san',
    'caSignedLogCert': 'AKI KU SKI ALG',
    'caJarSigningCert': 'KU nsCertType ALG',
    'caTokenMSLoginEnrollment': 'ALG KU SAN SKI AKI BC CRLDP AIA EKU',
    'DomainController': 'ALG KU SAN SKI AKI BC EKU generic CRLDP',
}
ORDER_TOKEN = 'ALG KU SAN SKI AKI BC'
ORDER_CA = 'SKI AKI BC KU AIA ALG'
ORDER = 'AKI CRLDP AIA KU EKU NoCheck ALG SAN generic SCT cn2san p12pw'

SETS = [
    (r'Renewal', None), (r'Token.*(Enrollment)$|^DomainController$', 'set1'),
    (r'OCSP|ocsp', 'ocspCertSet'), (r'[aA]uditSigning', 'auditSigningCertSet'),
    (r'SignedLog', 'caLogSigningSet'), (r'JarSigning', 'caJarSigningSet'),
    (r'FileSigning', 'fileSigningSet'), (r'[tT]ransport', 'transportCertSet'),
    (r'DRMstorage|kraStorage', 'drmStorageCertSet'),
    (r'Storage', 'storageCertSet'), (r'AdminCert$', 'adminCertSet'),
    (r'CMCca(Cert|Iss)|caCACert|InstallCA|CrossSigned', 'caCertSet'),
    (r'[sS]ubsystemCert', 'serverCertSet'), (r'Service', 'serviceCertSet'),
    (r'[sS]erverCert|caRAserver', 'serverCertSet'),
    (r'CMC', 'cmcUserCertSet'), (r'^caTPSCert|Other|caRACert', 'otherCertSet'),
    (r'^caEnc', 'encryptionCertSet'), (r'^caSigning', 'signingCertSet'),
    (r'', 'userCertSet'),
]

def set_name(profile):
    return next(s for pattern, s in SETS if re.search(pattern, profile))

def read_rows(name, split):
    with open(os.path.join(HERE, name), encoding='ascii') as f:
        for line in f:
            if not line.startswith('#') and line.strip():
                yield [x.strip() for x in line.rstrip('\n').split(' ; ', split)]

def split_other(text):
    """The items of the last column; commas inside brackets do not separate."""
    return [x.strip() for x in re.split(r',\s+(?![^\[]*\])', text) if x.strip()]

def policy(default, constraint='noConstraintImpl', params=(), cparams=()):
    return (default, dict(params), constraint, dict(cparams))

def subject_policy(text):
    m = re.match(r'("[^"]*"|pattern FILE|\w+)\s*("[^"]*")?\s*'
                 r'(?:`(.*)`|=(\w+))?$', text)
    kind, pattern, regex, special = m.groups()
    params = {}
    if kind.startswith('"') or kind == 'pattern FILE':
        default = 'subjectNameDefaultImpl'
        params['name'] = (FILE_PATTERN if kind == 'pattern FILE'
                          else kind.strip('"'))
    elif kind in ('tokU', 'tokD'):
        default = 'nsToken%sKeySubjectNameDefaultImpl' % (
            'User' if kind == 'tokU' else 'Device')
        params['dnpattern'] = pattern.strip('"')
        if kind == 'tokU':
            params.update({
                'ldap.enable': 'false', 'ldap.searchName': 'uid',
                'ldapStringAttributes': '', 'ldap.basedn': '',
                'ldap.ldapconn.Version': '3', 'ldap.ldapconn.host': '',
                'ldap.ldapconn.port': '',
                'ldap.ldapconn.secureConn': 'false',
                'ldap.minConns': '1', 'ldap.maxConns': '3'})
    else:
        default = {'req': 'userSubjectNameDefaultImpl',
                   'auth': 'authTokenSubjectNameDefaultImpl',
                   'cmcS': 'cmcUserSignedSubjectNameDefaultImpl',
                   'san': 'sanToCNDefaultImpl'}[kind]
    if regex is not None:
        return policy(default, 'subjectNameConstraintImpl', params,
                      {'pattern': regex, 'accept': 'true'})
    if special == 'raClient':
        return policy(default, SUBJECT_CONSTRAINTS[special], params,
                      {'pattern': 'CN=$ra_client_name$'})
    if special:
        return policy(default, SUBJECT_CONSTRAINTS[special], params)
    return policy(default, 'noConstraintImpl', params)

def validity_policy(text):
    m = re.match(r'(\d+)( ca)?(?: <=(\w+))?$', text)
    days, ca, limit = m.groups()
    default = 'caValidityDefaultImpl' if ca else 'validityDefaultImpl'
    params = {'range': days, 'startTime': '0'}
    if ca:
        params['bypassCAnotafter'] = 'false'
    if limit is None:
        return policy(default, 'noConstraintImpl', params)
    if limit == 'CA':
        return policy(default, 'caValidityConstraintImpl', params)
    return policy(default, 'validityConstraintImpl', params,
                  {'range': limit, 'notBeforeCheck': 'false',
                   'notAfterCheck': 'false'})

def key_policy(text):
    if text == '-':
        return None
    m = re.match(r'([A-Z0-9]+)(\*?)(\+gen)?$', text)
    # in a union the digit belongs to each family before it: RE3 = R + E3
    parts = re.findall(r'R8|R2|R|E2|E3|D|K', re.sub('^RE', 'R.E', m[1]))
    if m[1] in ('RE2', 'RE3', 'RE3D', 'RE2D'):
        assert parts[0] == 'R'
    union = ','.join(KEYS[p][1] for p in parts)
    key_type = KEYS[parts[0]][0] if len(parts) == 1 and not m[2] else '-'
    check = {'keyType': key_type, 'keyParameters': union}
    if m[3]:
        return policy('serverKeygenUserKeyDefaultImpl', 'keyConstraintImpl', {
            'keyType': 'RSA', 'keySize': '2048', 'enableArchival': 'true',
            'keyGenUsages': 'sign,verify,sign_recover,verify_recover,'
                            'encrypt,decrypt,wrap,unwrap'}, check)
    return policy('userKeyDefaultImpl', 'keyConstraintImpl', {}, check)

def ku_policy(profile, text):
    if text == '-':
        return None
    m = re.match(r'(!?)([A-Za-z+]+)(\(loose\))?$', text)
    on = m[2].split('+')
    assert all(x in dict(KU_BITS) for x in on), text
    params = {'keyUsageCritical': 'true' if m[1] else 'false'}
    for short, name in KU_BITS:
        params['keyUsage' + name] = 'true' if short in on else 'false'
    if (set_name(profile) == 'set1'
            or re.match(r'caSigning(EC)?UserCert$', profile)):
        return policy('keyUsageExtDefaultImpl', 'noConstraintImpl', params)
    check = {k: '-' for k in params} if m[3] else params
    return policy('keyUsageExtDefaultImpl', 'keyUsageExtConstraintImpl',
                  params, check)

def eku_policy(text):
    if text == '-':
        return None
    params = {'exKeyUsageCritical': 'false', 'exKeyUsageOIDs':
              ','.join(EKUS[x] for x in text.rstrip('=').split('+'))}
    if text.endswith('='):
        return policy('extendedKeyUsageExtDefaultImpl',
                      'extendedKeyUsageExtConstraintImpl', params, params)
    return policy('extendedKeyUsageExtDefaultImpl', 'noConstraintImpl', params)

def san_policy(entries):
    params = {'subjAltNameExtCritical': 'false',
              'subjAltNameNumGNs': str(len(entries))}
    for i, (kind, pattern, source) in enumerate(entries):
        params['subjAltExtGNEnable_%d' % i] = 'true'
        params['subjAltExtType_%d' % i] = kind
        params['subjAltExtPattern_%d' % i] = pattern
        if source:
            params['subjAltExtSource_%d' % i] = source
    return policy('subjectAltNameExtDefaultImpl', 'noConstraintImpl', params)

def san_entries(text):
    out = []
    for part in text.split(' & '):
        kind, rest = part.split(' ', 1)
        source = ''
        if ' src ' in rest:
            rest, source = rest.split(' src ')
        out.append((kind, rest, source))
    return out

def aia_policy(url):
    return policy('authInfoAccessExtDefaultImpl', 'noConstraintImpl', {
        'authInfoAccessCritical': 'false', 'authInfoAccessNumADs': '1',
        'authInfoAccessADEnable_0': 'true',
        'authInfoAccessADMethod_0': '1.3.6.1.5.5.7.48.1',
        'authInfoAccessADLocationType_0': 'URIName',
        'authInfoAccessADLocation_0': url})

def crldp_policy(url):
    return policy('crlDistributionPointsExtDefaultImpl', 'noConstraintImpl', {
        'crlDistPointsCritical': 'false', 'crlDistPointsNum': '1',
        'crlDistPointsEnable_0': 'true', 'crlDistPointsPointType_0': 'URIName',
        'crlDistPointsPointName_0': url, 'crlDistPointsReasons_0': '',
        'crlDistPointsIssuerType_0': '', 'crlDistPointsIssuerName_0': ''})

def bc_policy(text):
    m = re.match(r'BC(!?) CA=(true|false)( \(loose\))?$', text)
    crit = 'true' if m[1] else 'false'
    params = {'basicConstraintsCritical': crit,
              'basicConstraintsIsCA': m[2], 'basicConstraintsPathLen': '-1'}
    check = {'basicConstraintsCritical': crit, 'basicConstraintsIsCA': m[2],
             'basicConstraintsMinPathLen': '-1',
             'basicConstraintsMaxPathLen': '-1'}
    if m[3]:
        check['basicConstraintsCritical'] = '-'
        check['basicConstraintsIsCA'] = '-'
    return policy('basicConstraintsExtDefaultImpl',
                  'basicConstraintsExtConstraintImpl', params, check)

def alg_policy(text):
    default = policy('signingAlgDefaultImpl', 'noConstraintImpl',
                     {'signingAlg': '-'})
    if text == 'alg free':
        return default
    algs = [a for a in ALG_A if text == 'alg A' or '/PSS' not in a]
    if text.startswith('alg B less '):
        algs.remove(text[len('alg B less '):])
    return policy(default[0], 'signingAlgConstraintImpl', default[1],
                  {'signingAlgsAllowed': ','.join(algs)})

def other_policy(item):
    """(place in ORDER, policy) of one item of the last column."""
    word, _, rest = item.partition(' ')
    if word in ('BC!', 'BC'):
        return 'BC', bc_policy(item)
    if word == 'alg':
        return 'ALG', alg_policy(item)
    if item.startswith('SAN['):
        return 'SAN', san_policy(san_entries(item[4:-1]))
    simple = {
        'AKI': lambda: policy('authorityKeyIdentifierExtDefaultImpl',
                              params={'localKey': 'false'}),
        'SKI': lambda: policy('subjectKeyIdentifierExtDefaultImpl',
                              params={'critical': 'false'}),
        'AIA': lambda: aia_policy(rest),
        'CRLDP': lambda: crldp_policy(rest),
        'cn2san': lambda: policy('commonNameToSANDefaultImpl'),
        'SANm': lambda: san_policy(
            [('RFC822Name', '$request.requestor_email$', '')]),
        'SANmail': lambda: san_policy([('RFC822Name', '$request.mail$', '')]),
        'OCSPNoCheck': lambda: policy('ocspNoCheckExtDefaultImpl',
                                      params={'ocspNoCheckCritical': 'false'}),
        'SCT': lambda: policy('SignedCertificateTimestampListExtDefaultImpl'),
        'userExt': lambda: policy('userExtensionDefaultImpl',
                                  params={'userExtOID': rest}),
        'policy': lambda: policy('certificatePoliciesExtDefaultImpl', params={
            'Critical': 'false', 'PoliciesExt.num': '1',
            'PoliciesExt.certPolicy0.enable': 'true',
            'PoliciesExt.certPolicy0.policyId': rest,
            'PoliciesExt.certPolicy0.PolicyQualifiers.num': '0'}),
        'generic': lambda: policy('genericExtDefaultImpl', params={
            'genericExtCritical': 'false', 'genericExtOID': rest,
            'genericExtData': GENERIC[rest]}),
        'nsCertType': lambda: policy(
            'nsCertTypeExtDefaultImpl', 'nsCertTypeExtConstraintImpl',
            *2 * ({'nsCertCritical': 'false', **{
                'nsCert' + n: 'true' if n == 'ObjectSigning' else 'false'
                for n in ('SSLClient', 'SSLServer', 'Email', 'ObjectSigning',
                          'SSLCA', 'EmailCA', 'ObjectSigningCA')}},)),
        'grace30': lambda: policy('noDefaultImpl',
                                  'renewGracePeriodConstraintImpl', {},
                                  {'renewal.graceBefore': '30',
                                   'renewal.graceAfter': '30'}),
        'uniqueKey(sameKeyRenewal)': lambda: policy(
            'noDefaultImpl', 'uniqueKeyConstraintImpl', {},
            {'allowSameKeyRenewal': 'true'}),
        'p12pw': lambda: policy(
            'noDefaultImpl', 'p12ExportPasswordConstraintImpl', {},
            {'password.minSize': '20', 'password.minUpperLetter': '2',
             'password.minLowerLetter': '2', 'password.minNumber': '2',
             'password.minSpecialChar': '2', 'password.seqLength': '6',
             'password.maxRepeatedChar': '3',
             'password.cracklibCheck': 'false'}),
    }
    place = {'SANm': 'SAN', 'SANmail': 'SAN', 'OCSPNoCheck': 'NoCheck',
             'policy': 'CP'}.get(word, word)
    return place, simple[word]()

def policies(profile, subject, days, key, ku, eku, other):
    front, placed = [], {'ALG': alg_policy('alg A')}
    for item in split_other(other):
        place, p = other_policy(item)
        if place in ('grace30', 'uniqueKey(sameKeyRenewal)'):
            front.append(p)
        else:
            assert place == 'ALG' or place not in placed, (profile, item)
            placed[place] = p
    for place, p in (('KU', ku_policy(profile, ku)), ('EKU', eku_policy(eku))):
        if p:
            placed[place] = p
    first = [validity_policy(days), key_policy(key)]
    if subject == 'san':
        placed['san'] = subject_policy(subject)
    else:
        first.insert(0, subject_policy(subject))
    if profile in ORDERS:
        order = ORDERS[profile]
    elif set_name(profile) == 'set1':
        order = ORDER_TOKEN
    elif 'CA=true' in other:
        order = ORDER_CA
    else:
        order = ORDER
    out = first[:1] + front + first[1:]
    for place in order.split():
        if place in placed:
            out.append(placed.pop(place))
    assert not placed, (profile, placed)
    return [p for p in out if p]

def who(text):
    auth, _, acl = text.partition(' + ')
    if auth == 'none (Ent6, ineffective)':
        return '', ACLS['Ent6']
    return ('' if auth == 'none' else auth), ACLS.get(acl, acl)

def put_part(lines, prefix, class_id, params):
    lines.append('%s.class_id=%s' % (prefix, class_id))
    lines.append('%s.name=%s' % (prefix, class_name(class_id)))
    for k in sorted(params):
        lines.append('%s.params.%s=%s' % (prefix, k, params[k]))

def arrange(profile, name, pols, table):
    """The policies of a set in their order, each with its id."""
    words = table.get((profile, name))
    if words is None:
        return [(str(i), p) for i, p in enumerate(pols, 1)]
    pairs = [(w + ':' + w).split(':')[:2] for w in words]
    assert sorted(int(at) for _, at in pairs) == list(range(1, len(pols) + 1))
    return [(i, pols[int(at) - 1]) for i, at in pairs]

def head(profile, rows, names):
    name, desc = names[profile]
    _, state, asked, inputs = rows[0][:4]
    auth, acl = who(asked)
    if profile == 'acmeServerCert':
        acl = acl.replace('"', '')
    lines = ['# %s - written by generate.py from table.txt and names.txt' %
             profile,
             'name=' + name, 'desc=' + desc,
             'visible=%s' % ('true' if state.startswith('v') else 'false'),
             'enable=%s' % ('true' if state.endswith('on') else 'false'),
             'enableBy=admin', 'auth.instance_id=' + auth, 'authz.acl=' + acl]
    if rows[0][4] == 'renewal profile':
        lines.append('renewal=true')
    ins, _, out = [x.strip() for x in inputs.partition('->')]
    ins = [] if ins == '-' else ins.split('+')
    lines.append('input.list=' + ','.join('i%d' % (i + 1)
                                          for i in range(len(ins))))
    for i, word in enumerate(ins):
        put_part(lines, 'input.i%d' % (i + 1), INPUTS[word][0], {})
        lines[-1] = 'input.i%d.name=%s' % (i + 1, INPUTS[word][1])
        if word == 'GEN':
            params = {'gi_num': '2'}
            for n, p in enumerate(('ccm', 'GUID')):
                params['gi_param_enable%d' % n] = 'true'
                params['gi_param_name%d' % n] = p
                params['gi_display_name%d' % n] = p
            lines += ['input.i%d.params.%s=%s' % (i + 1, k, params[k])
                      for k in sorted(params)]
    lines += ['output.list=o1', 'output.o1.class_id=' + OUTPUTS[out][0],
              'output.o1.name=' + OUTPUTS[out][1]]
    if re.search('InternalAuthSubsystemCert$', profile):
        lines += ['updater.list=u1',
                  'updater.u1.class_id=subsystemGroupUpdaterImpl',
                  'updater.u1.name=Subsystem Group Updater']
    return lines

def profile_text(profile, rows, names, table):
    lines = head(profile, rows, names)
    sets = []
    for row in rows:
        if row[4] == 'renewal profile':
            continue
        m = re.search(r'\((\w+)\)', row[0])
        name = m[1] if m else set_name(profile)
        sets.append(name)
        pols = policies(profile, *(row[4:10] + [''] * (10 - len(row))))
        placed = arrange(profile, name, pols, table)
        lines.append('policyset.%s.list=%s' % (
            name, ','.join(i for i, _ in placed)))
        for i, (default, params, constraint, cparams) in placed:
            prefix = 'policyset.%s.%s.' % (name, i)
            put_part(lines, prefix + 'default', default, params)
            put_part(lines, prefix + 'constraint', constraint, cparams)
    if sets:
        lines.append('policyset.list=' + ','.join(sets))
    return '\n'.join(lines) + '\n'

UNLISTED = set('caServerCertWithCRLDP caECServerCertWithCRLDP '
               'caCMCserverCertWithCRLDP caCMCECserverCertWithCRLDP '
               'caECDualCert caEncECUserCert caSigningECUserCert'.split())

def class_id_of(profile):
    if re.match('ca(Temp)?Token', profile):
        return 'caUserCertEnrollImpl'
    return 'caEnrollImpl'

def list_text(ids):
    listed = [i for i in ids if i not in UNLISTED]
    lines = ['profile.%s.class_id=%s' % (i, class_id_of(i)) for i in listed]
    return '\n'.join(sorted(lines) + ['profile.list=' + ','.join(listed)]) + '\n'

# The bootstrap profiles (profiles.md 16): file, name, mapped profile and set,
# days, key usage, extended key usage, other policies in order.
BOOT = [
    ('caCert', 'CA Signing Certificate', 'caCACert', 'caCertSet', '7305',
     '!dS+nR+cS+crl', '-', 'SKI, AKI, BC! CA=true, KU'),
    ('caOCSPCert', 'OCSP Signing Certificate', 'caOCSPCert', 'ocspCertSet',
     '720', '-', 'ocsp', 'AKI, AIA, EKU, OCSPNoCheck'),
    ('caAuditSigningCert', 'Audit Signing Certificate', 'caAuditSigningCert',
     'auditSigningCertSet', '720', '!dS+nR', '-', 'AKI, KU, AIA'),
]
for _kind, _prof, _ku in (('rsa', '', '!dS+kE+dE'), ('ecc', 'EC', '!dS+dE+kA'),
                          ('mldsa', 'MLDSA', '!dS')):
    BOOT.append((_kind + 'ServerCert', 'TLS Server Certificate',
                 'ca%sServerCert' % _prof, 'serverCertSet', '720', _ku, 'srv',
                 'AKI, AIA, KU, EKU, cn2san'))
    BOOT.append((_kind + 'SubsystemCert', 'Subsystem Certificate',
                 'ca%sSubsystemCert' % _prof, 'serverCertSet', '720',
                 '!dS+nR+kE+dE' if _kind == 'rsa' else _ku, 'cli',
                 'AKI, AIA, KU, EKU'))
    BOOT.append((_kind + 'AdminCert', 'Administrator Certificate',
                 'caAdminCert', 'adminCertSet', '720',
                 {'rsa': '!dS+nR+kE', 'ecc': '!dS+nR+kA',
                  'mldsa': '!dS+nR'}[_kind], 'cli+mail',
                 'AKI, AIA, KU, EKU'))

def java_class(class_id):
    """The Java class that installers have always written for a default."""
    name = re.sub('Impl$', '', class_id)
    name = {'ocspNoCheckExtDefault': 'OCSPNoCheckExtDefault',
            'caValidityDefault': 'CAValidityDefault'}.get(
                name, name[0].upper() + name[1:])
    return 'com.netscape.cms.profile.def.' + name

def boot_text(row):
    ident, name, mapped, mapped_set, days, ku, eku, other = row
    valid = 'caValidityDefaultImpl' if ident == 'caCert' else \
        'validityDefaultImpl'
    pols = [policy(valid, params={'range': days, 'startTime': '0'})]
    for item in split_other(other):
        if item == 'KU':
            pols.append(ku_policy(mapped, ku))
        elif item == 'EKU':
            pols.append(eku_policy(eku))
        else:
            p = other_policy(item)[1]
            if ident == 'caCert' and item == 'AKI':
                p[1]['localKey'] = 'true'
            pols.append(p)
    # as in the profiles these go with: 1 would be the subject, 3 the key.
    # Scripts that want another validity edit 2.default.params.range.
    numbered = list(zip([2] + list(range(4, 20)), pols))
    lines = ['# %s.profile - written by generate.py' % ident,
             'id=%s.profile' % ident, 'name=' + name,
             'description=Used by the installer before the CA can run '
             'profiles.', 'profileIDMapping=' + mapped,
             'profileSetIDMapping=' + mapped_set,
             'list=' + ','.join(str(n) for n, _ in numbered)]
    for i, (default, params, _, _) in numbered:
        lines.append('%d.default.class=%s' % (i, java_class(default)))
        lines.append('%d.default.name=%s' % (i, class_name(default)))
        for k in sorted(params):
            lines.append('%d.default.params.%s=%s' % (i, k, params[k]))
    return '\n'.join(lines) + '\n'

SRC = os.path.join(HERE, '../../src/profile')

def plugin_ids(kind):
    """Class ids in the tables of src/profile, in order of file and line."""
    prefix = {'defaultPolicy': 'default_', 'constraintPolicy': 'constraint_',
              'profileInput': 'input_', 'profileOutput': 'input_data'}[kind]
    pattern = {'profileOutput': r'\{ "(\w+OutputImpl)"'}.get(
        kind, r'\.id = "(\w+)"')
    for name in sorted(os.listdir(SRC)):
        if name.startswith(prefix) and re.search(r'(?<!_test)\.c$', name):
            with open(os.path.join(SRC, name), encoding='utf-8') as f:
                yield from re.findall(pattern, f.read())

def registry_text():
    """registry.cfg: the plug-ins by kind. The programs have them built in;
    the file is what administrators and their tools look at."""
    kinds = {
        'profile': ['caEnrollImpl', 'caUserCertEnrollImpl',
                    'caServerCertEnrollImpl', 'caCACertEnrollImpl'],
        'defaultPolicy': list(plugin_ids('defaultPolicy')),
        'constraintPolicy': list(plugin_ids('constraintPolicy')),
        'profileInput': list(plugin_ids('profileInput')),
        'profileOutput': list(plugin_ids('profileOutput')),
        'profileUpdater': ['subsystemGroupUpdaterImpl'],
    }
    lines = ['types=' + ','.join(kinds)]
    for kind, ids in kinds.items():
        lines.append('%s.ids=%s' % (kind, ','.join(ids)))
        for i in ids:
            lines.append('%s.%s.name=%s' % (kind, i, class_name(i)))
    return '\n'.join(lines) + '\n'

def all_files():
    names = {r[0]: (r[1], r[2]) for r in read_rows('names.txt', 2)}
    table = {(r[0], r[1]): r[2].split() for r in read_rows('ids.txt', 2)}
    rows = {}
    for r in read_rows('table.txt', 9):
        rows.setdefault(r[0].split()[0], []).append(r)
    assert set(rows) == set(names)
    files = {}
    for profile in rows:
        files['ca/%s.cfg' % profile] = profile_text(profile, rows[profile],
                                                    names, table)
    files['profile.list'] = list_text(sorted(rows))
    files['registry.cfg'] = registry_text()
    for row in BOOT:
        files['conf/%s.profile' % row[0]] = boot_text(row)
    return files

def main(args):
    check = '--check' in args
    args = [a for a in args if a != '--check']
    out = args[0] if args else HERE
    bad = 0
    for name, text in all_files().items():
        path = os.path.join(out, name)
        if check:
            try:
                with open(path, encoding='ascii') as f:
                    same = f.read() == text
            except OSError:
                same = False
            if not same:
                print('%s: differs from what generate.py writes' % path)
                bad = 1
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='ascii') as f:
                f.write(text)
    return bad

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
