/// One record of an event file: `tensorflow.Event` of tensorboard/compat/proto/event.proto.
///
/// Fields that hold their default (a wall time or step of 0) are left out, as the reference library does.
struct TensorBoardEvent {
    private(set) var message = ProtobufMessage()

    private init(wallTime: Double, step: Int) {
        if wallTime != 0 { message.double(wallTime, field: 1) }
        if step != 0 { message.integer(step, field: 2) }
    }

    /// The first record of every file.
    static func fileVersion(wallTime: Double) -> TensorBoardEvent {
        var event = TensorBoardEvent(wallTime: wallTime, step: 0)
        event.message.string("brain.Event:2", field: 3)
        return event
    }

    /// `SessionLog(status: START)`: readers drop what earlier files say about this step and later ones.
    static func sessionStart(wallTime: Double, step: Int) -> TensorBoardEvent {
        var event = TensorBoardEvent(wallTime: wallTime, step: step)
        var sessionLog = ProtobufMessage()
        sessionLog.integer(1, field: 1)
        event.message.message(sessionLog, field: 7)
        return event
    }

    /// A summary with one `simple_value` per scalar.
    static func scalars(
        _ scalars: [(name: String, value: Double)], wallTime: Double, step: Int
    ) -> TensorBoardEvent {
        let values = scalars.map { scalar in
            var value = ProtobufMessage()
            value.string(scalar.name, field: 1)
            value.float(Float(scalar.value), field: 2)
            return value
        }
        return summary(values, wallTime: wallTime, step: step)
    }

    /// A summary with one PNG-encoded picture.
    static func image(_ image: PNGImage, name: String, wallTime: Double, step: Int) throws -> TensorBoardEvent
    {
        var picture = ProtobufMessage()
        picture.integer(image.height, field: 1)
        picture.integer(image.width, field: 2)
        picture.integer(image.channels.rawValue, field: 3)
        picture.delimited(try image.encoded(), field: 4)
        var value = ProtobufMessage()
        value.string(name, field: 1)
        value.message(picture, field: 4)
        return summary([value], wallTime: wallTime, step: step)
    }

    private static func summary(_ values: [ProtobufMessage], wallTime: Double, step: Int) -> TensorBoardEvent
    {
        var event = TensorBoardEvent(wallTime: wallTime, step: step)
        var summary = ProtobufMessage()
        for value in values { summary.message(value, field: 1) }
        event.message.message(summary, field: 5)
        return event
    }

    /// The record as it stands in the file: length, its masked CRC32C, payload, the payload's masked CRC32C.
    var framed: [UInt8] {
        let length = littleEndian(UInt64(message.bytes.count))
        return length + littleEndian(Self.maskedChecksum(length))
            + message.bytes + littleEndian(Self.maskedChecksum(message.bytes))
    }

    /// Masked so that a checksum stored in checked data is no fixed point
    /// (tensorflow/core/lib/hash/crc32c.h).
    private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        let checksum = CRC32.castagnoli.checksum(bytes)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }
}
