/// How a transaction ended.
public enum TransactionOutcome: Hashable, Sendable {
    case completed
    /// Client: no final response in time. INVITE server: no ACK to a final response above 299.
    case timedOut
    case transportFailed
}
