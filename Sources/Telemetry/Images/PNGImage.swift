/// A picture of 8-bit samples, and the key–value text that a PNG file carries beside it.
public struct PNGImage: Equatable, Sendable {
    /// The samples of a pixel, in this order.
    public enum Channels: Int, Sendable {
        case gray = 1
        case rgb = 3
        case rgba = 4
    }

    public let width: Int
    public let height: Int
    public let channels: Channels
    /// Rows from the top, pixels from the left: `[height, width, channels]`, sRGB, alpha not premultiplied.
    public internal(set) var pixels: [UInt8]
    /// Text chunks by keyword, such as the settings a sample was made with; keywords have 1 to 79 Latin-1
    /// characters.
    public var text: [String: String]

    /// - Parameter pixels: `[height, width, channels]`.
    public init(width: Int, height: Int, channels: Channels, pixels: [UInt8], text: [String: String] = [:]) {
        precondition(
            width > 0 && height > 0 && pixels.count == width * height * channels.rawValue,
            "PNGImage: got \(pixels.count) samples for \(width) × \(height) pixels "
                + "of \(channels.rawValue) channels, "
                + "expected \(width * height * channels.rawValue) and at least one pixel")
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
        self.text = text
    }

    /// A picture of real numbers.
    /// - Parameters:
    ///   - values: `[height, width, channels]`; values outside `range` are clamped, NaN becomes the lower
    ///     end.
    ///   - range: what is shown as 0 and as 255.
    public init(
        width: Int, height: Int, channels: Channels, values: some Sequence<Float>,
        range: ClosedRange<Float> = 0...1, text: [String: String] = [:]
    ) {
        precondition(
            range.lowerBound < range.upperBound,
            "PNGImage: got the range \(range), expected lower < upper")
        let scale = 255 / (range.upperBound - range.lowerBound)
        let pixels = values.map { value in
            let sample = ((value - range.lowerBound) * scale).rounded()
            return sample > 0 ? UInt8(min(sample, 255)) : 0
        }
        self.init(width: width, height: height, channels: channels, pixels: pixels, text: text)
    }

    /// A picture of one colour.
    public init(width: Int, height: Int, fill color: RGB) {
        let row = Array(repeating: [color.red, color.green, color.blue], count: width * height)
        self.init(width: width, height: height, channels: .rgb, pixels: Array(row.joined()))
    }
}

/// An sRGB colour of 8 bits a channel.
public struct RGB: Equatable, Hashable, Sendable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let black = RGB(red: 0, green: 0, blue: 0)
    public static let white = RGB(red: 255, green: 255, blue: 255)
}
