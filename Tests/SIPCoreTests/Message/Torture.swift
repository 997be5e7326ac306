import Testing

@testable import SIPCore

/// One message of a class that RFC 4475 or RFC 5118 describes, written anew, with the outcome its section demands.
struct Torture: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable {
        /// Read, and the check holds.
        case valid(@Sendable (Message) -> Bool)
        /// A request answered with this status; the stream goes on.
        case refused(Int)
        /// A request answered with this status; on a stream nobody knows where the next message begins.
        case refusedAndClosed(Int)
        /// A response that is malformed, or a request that gives nothing to answer.
        case dropped
    }

    /// The name that the RFC gives the class.
    var name: String
    var section: String
    var octets: [UInt8]
    var outcome: Outcome

    init(_ name: String, _ section: String, _ octets: [UInt8], _ outcome: Outcome) {
        self.name = name
        self.section = section
        self.octets = octets
        self.outcome = outcome
    }

    var testDescription: String { "\(section) \(name)" }

    /// A plain request in which a row replaces what its class is about.
    static func request(
        _ line: String = "OPTIONS sip:user@example.com SIP/2.0",
        via: String = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKplain",
        from: String = "From: <sip:caller@example.org>;tag=from-1", to: String = "To: <sip:user@example.com>",
        callID: String = "Call-ID: plain@192.0.2.1", cseq: String? = nil, _ more: String..., body: String = ""
    ) -> [UInt8] {
        let method = line.split(separator: " ").first ?? ""
        let fields = [line, via, from, to, callID, cseq ?? "CSeq: 8 \(method)"] + more
        return wire(fields.filter { !$0.isEmpty }.joined(separator: "\n"), body: body)
    }

    /// The plain request with more fields.
    static func options(_ more: String..., body: String = "") -> [UInt8] {
        request(cseq: (["CSeq: 8 OPTIONS"] + more).joined(separator: "\n"), body: body)
    }

    static func response(_ line: String, _ more: String..., cseq: String = "CSeq: 8 INVITE") -> [UInt8] {
        let fields = [
            line, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKplain", "From: <sip:caller@example.org>;tag=from-1",
            "To: <sip:user@example.com>;tag=to-1", "Call-ID: plain@192.0.2.1", cseq,
        ]
        return wire((fields + more).joined(separator: "\n"))
    }

    static let all = rfc4475Valid + rfc4475Invalid + rfc4475Semantics + rfc5118
}

extension Torture {
    /// RFC 4475 §3.1.1.
    static let rfc4475Valid = [
        Torture(
            "wsinv", "3.1.1.1",
            wire(
                """
                INVITE sip:user@gateway.example.com;unknownparam SIP/2.0
                TO :
                 sip:user@gateway.example.com ;   tag    = 1918181833n
                from   : "Caller \\\\\\""       <sip:caller@example.com>
                  ;
                  tag = 98asjd8
                MaX-fOrWaRdS: 0068
                i: wsinv.tortuous@192.0.2.1
                l   : 0
                cseq: 0009
                  INVITE
                Via  : SIP  /   2.0
                 /UDP
                    192.0.2.2;branch=390skdjuw
                s :
                NewFangledHeader:   newfangled value
                 continued newfangled value
                UnknownHeaderWithUnusualValue: ;;,,;;,;
                Route:
                 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
                v:  SIP  / 2.0  / TCP     spindle.example.com   ;
                  branch  =   z9hG4bK9ikj8  ,
                 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
                 z9hG4bK30239
                m:"Quoted string \\"\\"" <sip:caller@example.com> ; newparam =
                      newvalue ;
                  secondparam ; q = 0.33
                """),
            .valid { message in
                let headers = message.headers
                return headers.to?.tag == "1918181833n" && headers.from?.displayName == "Caller \\\""
                    && headers.from?.tag == "98asjd8" && headers.maxForwards == 68
                    && headers.cseq == CSeq(number: 9, method: .invite)
                    && headers.vias.map(\.branch) == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
                    && headers.vias.map(\.transport) == ["UDP", "TCP", "UDP"]
                    && headers[first: .subject] == ""
                    && headers[first: "newfangledheader"] == "newfangled value continued newfangled value"
                    && headers[first: "UnknownHeaderWithUnusualValue"] == ";;,,;;,;"
                    && headers.contact?.displayName == "Quoted string \"\""
                    && headers.contact?.parameters["newparam"] == "newvalue"
                    && headers.contact?.parameters["q"] == "0.33"
                    && headers.routes.first?.uri.parameters.contains("lr") == true
                    && message.request?.uri.parameters.contains("unknownparam") == true
            }),
        Torture(
            "intmeth", "3.1.1.2",
            request(
                "!odd-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,"
                    + "weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
                via: "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
                from:
                    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\""
                    + ";tag=_token~1'+`*%!-.",
                to: "To: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7F}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
                    + "@example.com>",
                callID: "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
                cseq: "CSeq: 139122385 !odd-Method0123456789_*+`.%indeed'~",
                "extensionHeader-!.%*+_`'~:\u{FEFF}大停電"),
            .valid { message in
                message.request?.method == "!odd-Method0123456789_*+`.%indeed'~"
                    && message.request?.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
                    && message.headers.topVia?.branch == "z9hG4bK-.!%66*_+`'~"
                    && message.headers.to?.displayName == "BEL:\u{7} NUL:\u{0} DEL:\u{7F}"
                    && message.headers.from?.displayName == "token1~` token2'+_ token3*%!.-"
                    && message.headers.from?.tag == "_token~1'+`*%!-."
                    && message.headers[first: "EXTENSIONHEADER-!.%*+_`'~"] == "\u{FEFF}大停電"
            }),
        Torture(
            "esc01", "3.1.1.3",
            request(
                "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
                from: "From: <sip:I%20have%20spaces@example.net>;tag=938", to: "To: sip:%75se%72@example.com",
                "Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>"),
            .valid { message in
                message.request?.uri.user == "sips%3Auser%40example.com" && message.request?.uri.host == "example.net"
                    && message.headers.to?.uri.isEquivalent(to: SIPURI(user: "user", host: "example.com")) == true
                    // Escapes of parameter names are not undone: `%6C%72` is no `lr`.
                    && message.headers.contact?.uri.parameters.contains("lr") == false
                    && message.headers.contact?.uri.parameters["n%61me"] == "v%61lue%25%34%31"
            }),
        Torture(
            "escnull", "3.1.1.4",
            request(
                "REGISTER sip:example.com SIP/2.0", from: "From: sip:null-%00-null@example.com;tag=839923423",
                to: "To: sip:null-%00-null@example.com", "Contact: <sip:%00@host5.example.com>",
                "Contact: <sip:%00%00@host5.example.com>"),
            .valid { message in
                message.headers.from?.uri.user == "null-%00-null" && message.headers.contact?.uri.user == "%00"
                    && message.headers.elements(.contact).count == 2
            }),
        Torture(
            "esc02", "3.1.1.5",
            request(
                "RE%47IST%45R sip:registrar.example.com SIP/2.0", to: "To: \"%Z%45\" <sip:resource@example.com>",
                "Contact: <sip:alias1@host1.example.com>", "C%6Fntact: <sip:alias2@host2.example.com>",
                "Contact: <sip:alias3@host3.example.com>"),
            .valid { message in
                message.request?.method == "RE%47IST%45R" && message.headers.to?.displayName == "%Z%45"
                    && message.headers.elements(.contact).count == 2
                    && message.headers[first: "C%6Fntact"] == "<sip:alias2@host2.example.com>"
            }),
        Torture(
            "lwsdisp", "3.1.1.6", request(from: "From: caller<sip:caller@example.com>;tag=323"),
            .valid { $0.headers.from?.displayName == "caller" }),
        Torture(
            "longreq", "3.1.1.7",
            request(
                "INVITE sip:user@example.com SIP/2.0",
                via: (0..<30).map { "Via: SIP/2.0/TCP sip\($0).example.com" }.joined(separator: "\n")
                    + "\nVia: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very"
                    + String(repeating: "long", count: 50) + "branchvalue",
                from: "From: sip:" + String(repeating: "amazinglylongcallername", count: 5)
                    + "@example.net;tag=12" + String(repeating: "982", count: 50) + "424;unknownheaderparamname"
                    + String(repeating: "long", count: 20) + "=unknownheaderparamvalue"
                    + String(repeating: "long", count: 15),
                to: "To: \"I have a user name of " + String(repeating: "extreme", count: 10) + " proportion\"<sip:user@"
                    + "example.com:6000;unknownparam1=very" + String(repeating: "long", count: 20) + "value;longparam"
                    + String(repeating: "name", count: 25) + "=shortvalue>",
                callID: "Call-ID: longreq.one" + String(repeating: "really", count: 20) + "longcallid",
                "Unknown-" + String(repeating: "Long", count: 20) + "-Name: unknown-"
                    + String(repeating: "long", count: 20) + "-value; unknown-" + String(repeating: "long", count: 20)),
            .valid { message in
                message.headers.vias.count == 31 && message.headers.to?.uri.port == 6000
                    && message.headers.from?.tag?.utf8.count == 155
            }),
        Torture(
            "dblreq", "3.1.1.8",
            request("REGISTER sip:example.com SIP/2.0", callID: "Call-ID: dblreq.0ha0isndaksdj99sdfafnl3lk233412")
                + request("INVITE sip:user@example.com SIP/2.0", callID: "Call-ID: dblreq.behind"),
            .valid { $0.request?.method == .register && $0.body.isEmpty }),
        Torture(
            "semiuri", "3.1.1.9",
            request("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"),
            .valid { message in
                message.request?.uri.user == "user;par=u%40example.net" && message.request?.uri.host == "example.com"
                    && message.request?.uri.parameters.isEmpty == true
                    && message.request?.uri.userWithoutParameters == "user"
            }),
        Torture(
            "transports", "3.1.1.10",
            request(
                via: ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"].enumerated()
                    .map { "Via: SIP/2.0/\($1) t\($0).example.com;branch=z9hG4bK\($0)" }.joined(separator: "\n")),
            .valid { $0.headers.vias.map(\.transport) == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"] }),
        Torture(
            "mpart01", "3.1.1.11",
            {
                let body: [UInt8] =
                    Array("--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n\r\nVia: no\r\n".utf8)
                    + [0x30, 0x82, 0x00, 0xFF, 0xFE, 0x0D, 0x0A, 0x0D, 0x0A, 0xC0]
                    + Array("\r\n--7a9cbec02ceef655--\r\n".utf8)
                return request(
                    "MESSAGE sip:user@example.com SIP/2.0",
                    "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655", "Content-Length: \(body.count)") + body
            }(),
            .valid { message in
                message.headers.contentType == "multipart/mixed" && message.body.contains(0xFF)
                    && message.body.suffix(4) == [0x2D, 0x2D, 0x0D, 0x0A]
            }),
        Torture(
            "unreason", "3.1.1.12", response("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое"),
            .valid { $0.response?.reason == "= 2**3 * 5**2 но сто девяносто девять - простое" }),
        Torture(
            "noreason", "3.1.1.13", response("SIP/2.0 100 "),
            .valid { $0.response?.status == 100 && $0.response?.reason == "" }),
        Torture(
            "noreason, no space either", "3.1.1.13", response("SIP/2.0 100"),
            .valid { $0.response?.status == 100 && $0.response?.reason == "" }),
    ]

    /// RFC 4475 §3.1.2. Where a section leaves a choice, the comment says which one was taken.
    static let rfc4475Invalid = [
        Torture(
            "badinv01, Via", "3.1.2.1", request(via: "Via: SIP/2.0/UDP 192.0.2.15;;,;,,"), .refused(400)),
        Torture(
            "badinv01, Contact", "3.1.2.1",
            request("INVITE sip:user@example.com SIP/2.0", "Contact: \"Joe\" <sip:joe@example.org>;;;;"),
            .refused(400)),
        Torture(
            "clerr", "3.1.2.2",
            request("INVITE sip:user@example.com SIP/2.0", "Content-Length: 9999", body: "v=0\ns=-\n"), .refused(400)),
        Torture("ncl", "3.1.2.3", options("Content-Length: -999"), .refusedAndClosed(400)),
        Torture(
            "scalar02, CSeq", "3.1.2.4", request(cseq: "CSeq: 36893488147419103232 OPTIONS"), .refused(400)),
        Torture("scalar02, CSeq of 2³¹", "3.1.2.4", request(cseq: "CSeq: 2147483648 OPTIONS"), .refused(400)),
        Torture("scalar02, Max-Forwards", "3.1.2.4", options("Max-Forwards: 300"), .refused(400)),
        // An overlarge Expires is a long time, not an error.
        Torture(
            "scalar02, Expires", "3.1.2.4",
            request(
                "REGISTER sip:example.com SIP/2.0", "Expires: 10000000000000000000",
                "Contact: <sip:user@host129.example.com>;expires=280297596632815"),
            .valid { $0.headers.contact != nil }),
        Torture(
            "scalarlg", "3.1.2.5",
            response("SIP/2.0 503 Service Unavailable", cseq: "CSeq: 9292394834772304023312 OPTIONS"), .dropped),
        Torture(
            "quotbal", "3.1.2.6",
            request("INVITE sip:user@example.com SIP/2.0", to: "To: \"Mr. J. User <sip:j.user@example.com>"),
            .refused(400)),
        Torture("ltgtruri", "3.1.2.7", request("INVITE <sip:user@example.com> SIP/2.0"), .refused(400)),
        Torture("lwsruri", "3.1.2.8", request("INVITE sip:user@example.com; lr SIP/2.0"), .refused(400)),
        // Liberal reading is allowed, but nobody we talk to needs it.
        Torture("lwsstart", "3.1.2.9", request("INVITE  sip:user@example.com  SIP/2.0"), .refused(400)),
        Torture("trws", "3.1.2.10", request("OPTIONS sip:remote-target@example.com SIP/2.0  "), .refused(400)),
        Torture(
            "escruri", "3.1.2.11", request("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"),
            .refused(400)),
        // Nothing here reads Date, so its time zone is nobody's business.
        Torture(
            "baddate", "3.1.2.12", options("Date: Fri, 01 Jan 2010 16:00:00 EST"),
            .valid { $0.headers[first: .date] == "Fri, 01 Jan 2010 16:00:00 EST" }),
        Torture(
            "regbadct", "3.1.2.13",
            request(
                "REGISTER sip:example.com SIP/2.0", "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
            .refused(400)),
        Torture(
            "badaspec", "3.1.2.14", request(to: "To: \"Watson, Thomas\" < sip:t.watson@example.org >"), .refused(400)),
        Torture(
            "baddn", "3.1.2.15", request(from: "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
            .refused(400)),
        Torture("badvers", "3.1.2.16", request("OPTIONS sip:user@example.com SIP/7.0"), .refused(505)),
        Torture("mismatch01", "3.1.2.17", request(cseq: "CSeq: 8 INVITE"), .refused(400)),
        Torture(
            "mismatch02", "3.1.2.18", request("NEWMETHOD sip:user@example.com SIP/2.0", cseq: "CSeq: 8 INVITE"),
            .refused(400)),
        Torture("bigcode", "3.1.2.19", response("SIP/2.0 4294967301 better not break the receiver"), .dropped),
        Torture("bigcode, three digits", "3.1.2.19", response("SIP/2.0 700 too much"), .dropped),
    ]

    /// RFC 4475 §3.2 to §3.4, as far as the parser decides.
    static let rfc4475Semantics = [
        Torture(
            "badbranch", "3.2.1", request(via: "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),
            .valid { $0.headers.topVia?.branch == "z9hG4bK" }),
        Torture("insuf, Call-ID", "3.3.1", request(callID: ""), .dropped),
        Torture("insuf, From", "3.3.1", request(from: ""), .dropped),
        Torture("insuf, To", "3.3.1", request(to: ""), .dropped),
        // 416 is the UAS's to answer.
        Torture(
            "unkscm", "3.3.2", request("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"),
            .valid { message in
                message.request?.uri.scheme == .other("nobodyknowsthisscheme")
                    && message.request?.uri.user == "totallyopaquecontent"
                    && message.request?.uri.description == "nobodyKnowsThisScheme:totallyopaquecontent"
            }),
        Torture(
            "novelsc", "3.3.3", request("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"),
            .valid { $0.request?.uri.scheme == .other("soap.beep") }),
        Torture(
            "unksm2", "3.3.4",
            request(
                "REGISTER sip:example.com SIP/2.0", from: "From: <http://www.example.com>;tag=3234233",
                to: "To: isbn:2983792873", "Contact: <name:John_Smith>"),
            .valid { message in
                message.headers.to?.uri.scheme == .other("isbn") && message.headers.to?.uri.user == "2983792873"
                    && message.headers.contact?.uri.scheme == .other("name")
            }),
        Torture(
            "bext01", "3.3.5", options("Proxy-Require: nothingSupportsThis", "Require: nothingSupportsThisEither"),
            .valid { $0.headers.elements(.require) == ["nothingSupportsThisEither"] }),
        Torture(
            "invut", "3.3.6",
            request(
                "INVITE sip:user@example.com SIP/2.0", "Content-Type: application/unknownformat",
                body: "<audio><pcmu port=\"443\"/></audio>"),
            .valid { $0.headers.contentType == "application/unknownformat" && $0.body.count == 33 }),
        Torture(
            "regaut01", "3.3.7",
            request("REGISTER sip:example.com SIP/2.0", "Authorization: NoOneKnowsThisScheme opaque-data=here"),
            .valid { $0.headers[first: .authorization] == "NoOneKnowsThisScheme opaque-data=here" }),
        Torture("multi01, CSeq", "3.3.8", options("CSeq: 59 OPTIONS"), .refused(400)),
        Torture("multi01, Call-ID", "3.3.8", options("Call-ID: another@192.0.2.1"), .refused(400)),
        Torture("multi01, From", "3.3.8", options("f: <sip:other@example.org>;tag=2"), .refused(400)),
        Torture("multi01, To", "3.3.8", options("t: <sip:other@example.org>"), .refused(400)),
        Torture("multi01, Max-Forwards", "3.3.8", options("Max-Forwards: 70", "Max-Forwards: 5"), .refused(400)),
        Torture(
            "mcl01", "3.3.9", options("Content-Length: 8", "l: 5", body: "12345678"), .refusedAndClosed(400)),
        Torture(
            "bcast", "3.3.10",
            response("SIP/2.0 200 OK", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"),
            .valid { $0.headers.vias.last?.host == "255.255.255.255" }),
        Torture("zeromf", "3.3.11", options("Max-Forwards: 0"), .valid { $0.headers.maxForwards == 0 }),
        Torture(
            "cparam01", "3.3.12",
            request("REGISTER sip:example.com SIP/2.0", "Contact: sip:+19725552222@gw1.example.net;unknownparam"),
            .valid { message in
                message.headers.contact?.uri.parameters.isEmpty == true
                    && message.headers.contact?.parameters.contains("unknownparam") == true
            }),
        Torture(
            "cparam02", "3.3.13",
            request("REGISTER sip:example.com SIP/2.0", "Contact: <sip:+19725552222@gw1.example.net;unknownparam>"),
            .valid { message in
                message.headers.contact?.uri.parameters.contains("unknownparam") == true
                    && message.headers.contact?.parameters.isEmpty == true
            }),
        Torture(
            "regescrt", "3.3.14",
            request("REGISTER sip:example.com SIP/2.0", "Contact: <sip:user@example.com?Route=%3Csip:example.com%3E>"),
            .valid { $0.headers.contact?.uri.headers == "Route=%3Csip:example.com%3E" }),
        Torture(
            "sdp01", "3.3.15", request("INVITE sip:user@example.com SIP/2.0", "Accept: text/nobodyKnowsThis"),
            .valid { $0.headers[first: .accept] == "text/nobodyKnowsThis" }),
        Torture(
            "inv2543", "3.4.1",
            request(
                "INVITE sip:UserB@example.com SIP/2.0", via: "Via: SIP/2.0/UDP iftgw.example.com",
                from: "From: <sip:+13035551111@ift.client.example.net;user=phone>",
                to: "To: sip:+16505552222@ss1.example.net;user=phone",
                cseq: "CSeq: 56 INVITE", "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>"),
            .valid { message in
                message.headers.topVia?.branch == nil && message.headers.from?.tag == nil
                    && message.headers.to?.uri.parameters.isEmpty == true
            }),
    ]

    /// RFC 5118 §4.
    static let rfc5118 = [
        Torture(
            "ipv6-good", "5118 4.1", request("REGISTER sip:[2001:db8::10] SIP/2.0"),
            .valid { $0.request?.uri.host == "2001:db8::10" && $0.request?.uri.port == nil }),
        Torture("ipv6-bad", "5118 4.2", request("REGISTER sip:2001:db8::10 SIP/2.0"), .refused(400)),
        Torture(
            "port-ambiguous", "5118 4.3", request("REGISTER sip:[2001:db8::10:5070] SIP/2.0"),
            .valid { $0.request?.uri.host == "2001:db8::10:5070" && $0.request?.uri.port == nil }),
        Torture(
            "port-unambiguous", "5118 4.4", request("REGISTER sip:[2001:db8::10]:5070 SIP/2.0"),
            .valid { $0.request?.uri.host == "2001:db8::10" && $0.request?.uri.port == 5070 }),
        Torture(
            "via-received-param-with-delim", "5118 4.5",
            request(via: "Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"),
            .valid { $0.headers.topVia?.received == "2001:db8::9:255" && $0.headers.topVia?.host == "2001:db8::9:1" }),
        Torture(
            "via-received-param-no-delim", "5118 4.5",
            request(via: "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3-111"),
            .valid { $0.headers.topVia?.received == "2001:db8::9:255" }),
        Torture(
            "ipv6-in-sdp", "5118 4.6",
            request(
                "INVITE sip:user@[2001:db8::10] SIP/2.0", via: "Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111",
                "Contact: \"Caller\" <sip:caller@[2001:db8::20]>", "Content-Type: application/sdp",
                body: "v=0\no=- 1 1 IN IP6 2001:db8::20\ns=-\nc=IN IP6 2001:db8::20\nt=0 0\n"
                    + "m=audio 6000 RTP/AVP 0\nm=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n"),
            .valid { message in
                let description = try? SessionDescription(parsing: message.body.span)
                let audio = description.flatMap { try? AudioStream($0) }
                return description?.connection == .init(address: "2001:db8::20") && description?.media.count == 2
                    && audio?.address == "2001:db8::20" && audio?.port == 6_000
            }),
        Torture(
            "mult-ip-in-header", "5118 4.7",
            request(
                via: "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\nVia: SIP/2.0/UDP 192.0.2.1;"
                    + "branch=z9hG4bKjhja8781hjuaij65144\nVia: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;"
                    + "received=192.0.2.200",
                "Contact: <sip:user@[2001:db8::1]>, <sip:user@192.0.2.1>"),
            .valid { message in
                message.headers.vias.map(\.host) == ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]
                    && message.headers.vias.map(\.port) == [6050, nil, nil]
                    && message.headers.elements(.contact).count == 2
            }),
        Torture(
            "mult-ip-in-sdp", "5118 4.8",
            request(
                "INVITE sip:user@[2001:db8::10] SIP/2.0", "Contact: <sip:caller@[2001:db8::20]>",
                "Content-Type: application/sdp",
                body: "v=0\no=- 1 1 IN IP6 2001:db8::20\ns=-\nt=0 0\nm=audio 6000 RTP/AVP 0\n"
                    + "c=IN IP6 2001:db8::20\nm=audio 6050 RTP/AVP 0\nc=IN IP4 192.0.2.1\n"),
            // Each stream has an address of its own kind; which one is answered is for who answers.
            .valid { message in
                let media = (try? SessionDescription(parsing: message.body.span))?.media ?? []
                return media.map(\.connection?.addressType) == ["IP6", "IP4"]
                    && media.map(\.connection?.address) == ["2001:db8::20", "192.0.2.1"]
            }),
        Torture(
            "ipv4-mapped-ipv6", "5118 4.9",
            request(
                via: "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
                "Contact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>"),
            .valid { message in
                message.headers.topVia?.sentBy == "[::ffff:192.0.2.10]:19823"
                    && message.headers.contact?.uri.host == "::ffff:192.0.2.2"
            }),
        Torture(
            "ipv6-bug-abnf-3-colons", "5118 4.10", request("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0"),
            .refused(400)),
        Torture(
            "ipv6-correct-abnf-2-colons", "5118 4.10", request("OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0"),
            .valid { $0.request?.uri.host == "2001:db8::192.0.2.1" }),
    ]
}
