/// What one message may cost, in octets unless named otherwise; checked before memory is taken.
public struct MessageLimits: Hashable, Sendable {
    /// Start line and header fields with the blank line.
    public var maxHead: Int
    public var maxBody: Int
    public var maxHeaderFields: Int
    /// Request-URI.
    public var maxURILength: Int

    public init(
        maxHead: Int = 65_536, maxBody: Int = 262_144, maxHeaderFields: Int = 256, maxURILength: Int = 4_096
    ) {
        self.maxHead = maxHead
        self.maxBody = maxBody
        self.maxHeaderFields = maxHeaderFields
        self.maxURILength = maxURILength
    }
}
