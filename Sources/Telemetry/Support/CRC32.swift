/// A reflected 32-bit cyclic redundancy check: initial value and final exclusive-or are all ones.
package struct CRC32: Sendable {
    /// The check of PNG chunks (ISO 3309): "123456789" gives cbf43926.
    package static let ieee = CRC32(reversedPolynomial: 0xEDB8_8320)
    /// The check of TensorBoard records (Castagnoli, RFC 3720 appendix B.4): "123456789" gives e3069283.
    package static let castagnoli = CRC32(reversedPolynomial: 0x82F6_3B78)

    /// The remainder of every byte.
    private let table: [UInt32]

    private init(reversedPolynomial: UInt32) {
        table = (0..<256).map { byte in
            (0..<8).reduce(UInt32(byte)) { remainder, _ in
                remainder & 1 == 1 ? remainder >> 1 ^ reversedPolynomial : remainder >> 1
            }
        }
    }

    package func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder = remainder >> 8 ^ table[Int(UInt8(truncatingIfNeeded: remainder) ^ byte)]
        }
        return ~remainder
    }
}
