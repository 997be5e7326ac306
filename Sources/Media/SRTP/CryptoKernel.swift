/// The implementation of AES-CM and HMAC-SHA1 that libsrtp runs on.
public enum CryptoKernel: Hashable, Sendable {
    /// Ours, on OpenSSL; libsrtp's self tests passed over it.
    case openSSL
    /// What libsrtp was built with: slower with many calls. The reason is worth a warning.
    case libsrtp(reason: String)
    /// libsrtp did not start: legs with SRTP are refused.
    case unusable(reason: String)
}
