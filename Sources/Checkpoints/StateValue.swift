/// A dense array in row-major order, as raw little-endian bytes.
public struct StateArray: Sendable, Equatable {
    public let type: ElementType
    /// Extent of each dimension; empty for a 0-d array, which has one element.
    public let shape: [Int]
    /// `count * type.byteWidth` bytes.
    public let bytes: [UInt8]

    /// Number of elements.
    public var count: Int { bytes.count / type.byteWidth }

    public init(type: ElementType, shape: [Int], bytes: [UInt8]) {
        let expected = StateArray.byteCount(type: type, shape: shape)
        precondition(
            expected == bytes.count,
            "StateArray: got \(bytes.count) bytes, expected \(expected ?? -1) for \(type.rawValue) \(shape)")
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// An array of `elements`; one-dimensional unless a shape is given.
    public init<Element: StateElement>(_ elements: [Element], shape: [Int]? = nil) {
        self.init(
            type: Element.elementType, shape: shape ?? [elements.count],
            bytes: elements.withUnsafeBytes { Array($0) })
    }

    /// The elements in row-major order.
    ///
    /// `Element` must be the array's type.
    public func elements<Element: StateElement>(as element: Element.Type = Element.self) -> [Element] {
        precondition(
            type == Element.elementType,
            "StateArray.elements: got \(type.rawValue), expected \(Element.elementType.rawValue)")
        return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
            initialized = count
        }
    }

    /// Bytes that an array needs; nil when an extent is negative or the product overflows.
    package static func byteCount(type: ElementType, shape: [Int]) -> Int? {
        var count = type.byteWidth
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard extent >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }
}

/// What one path of a `StateTree` holds.
public enum StateValue: Sendable {
    case array(StateArray)
    case real(Double)
    case integer(Int64)
    case text(String)
    case flag(Bool)

    /// Type as the manifest names it: an element type, or `text`, or `flag`.
    package var typeName: String {
        switch self {
        case .array(let array): array.type.rawValue
        case .real: "real"
        case .integer: "integer"
        case .text: "text"
        case .flag: "flag"
        }
    }

    /// Extents of an array; nil for a scalar, which differs from a 0-d array.
    package var shape: [Int]? {
        guard case .array(let array) = self else { return nil }
        return array.shape
    }

    /// The bytes that its digest covers: raw little-endian numbers, UTF-8 text, one byte for a flag.
    package var digestedBytes: [UInt8] {
        switch self {
        case .array(let array): array.bytes
        case .real(let number): StateArray([number]).bytes
        case .integer(let number): StateArray([number]).bytes
        case .text(let string): Array(string.utf8)
        case .flag(let flag): [flag ? 1 : 0]
        }
    }

    var kind: String {
        guard let shape else { return typeName }
        return "\(typeName) array \(shape)"
    }
}

extension StateValue: Equatable {
    /// Equality of bits: a NaN equals the same NaN, and -0 differs from 0, as resuming to the bit needs.
    public static func == (left: StateValue, right: StateValue) -> Bool {
        left.typeName == right.typeName && left.shape == right.shape
            && left.digestedBytes == right.digestedBytes
    }
}
