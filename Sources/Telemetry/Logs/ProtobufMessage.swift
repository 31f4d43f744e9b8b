/// The bytes of one protocol-buffer message, fields appended in the order of their numbers.
///
/// Only what TensorBoard's events need: varints, fixed 32- and 64-bit numbers and length-delimited fields.
/// Source: protobuf.dev/programming-guides/encoding.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    /// An int64, int32 or enum field.
    mutating func integer(_ value: Int, field: UInt64) {
        key(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func double(_ value: Double, field: UInt64) {
        key(field, .fixed64)
        bytes += littleEndian(value.bitPattern)
    }

    mutating func float(_ value: Float, field: UInt64) {
        key(field, .fixed32)
        bytes += littleEndian(value.bitPattern)
    }

    mutating func string(_ value: String, field: UInt64) {
        delimited(value.utf8, field: field)
    }

    mutating func message(_ value: ProtobufMessage, field: UInt64) {
        delimited(value.bytes, field: field)
    }

    mutating func delimited(_ value: some Collection<UInt8>, field: UInt64) {
        key(field, .lengthDelimited)
        varint(UInt64(value.count))
        bytes += value
    }

    private mutating func key(_ field: UInt64, _ type: WireType) {
        varint(field << 3 | type.rawValue)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

func littleEndian<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    withUnsafeBytes(of: word.littleEndian, Array.init)
}

func bigEndian<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    withUnsafeBytes(of: word.bigEndian, Array.init)
}
