import CPNG
import Foundation

extension PNGImage {
    /// More pixels than this are refused before memory is asked for: a damaged header can claim anything.
    private static let pixelLimit = 1 << 28

    /// The PNG file's bytes.
    /// - Throws: `TelemetryError.damagedImage` when libpng refuses (a picture too large, no memory).
    public func encoded() throws -> Data {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = channels.pngFormat
        defer { png_image_free(&image) }
        var size = saddle_png_size_limit(&image)
        var bytes = Data(count: Int(size))
        let succeeded = bytes.withUnsafeMutableBytes { memory in
            pixels.withUnsafeBytes { samples in
                png_image_write_to_memory(&image, memory.baseAddress, &size, 0, samples.baseAddress, 0, nil)
            }
        }
        guard succeeded != 0 else {
            throw TelemetryError.damagedImage(source: "memory", reason: image.reason)
        }
        bytes.count = Int(size)
        return PNGText.inserting(text, into: bytes)
    }

    /// Reads a PNG file's bytes: grey stays grey, colour becomes RGB, 16 bits become 8, and transparent
    /// pixels are laid over white.
    /// - Throws: `TelemetryError.damagedImage`.
    public init(decoding bytes: Data) throws {
        try self.init(decoding: bytes, source: "memory")
    }

    public init(contentsOf url: URL) throws {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: url)
        } catch {
            throw TelemetryError.cannotRead(path: url.path, reason: error.localizedDescription)
        }
        try self.init(decoding: bytes, source: url.path)
    }

    /// Writes the file whole or not at all.
    public func write(to url: URL) throws {
        let bytes = try encoded()
        do {
            try bytes.write(to: url, options: .atomic)
        } catch {
            throw TelemetryError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }

    private init(decoding bytes: Data, source: String) throws {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        defer { png_image_free(&image) }
        // libpng reads from this memory until png_image_finish_read is through.
        let memory = [UInt8](bytes)
        let (channels, pixels) = try memory.withUnsafeBytes { memory in
            guard png_image_begin_read_from_memory(&image, memory.baseAddress, memory.count) != 0 else {
                throw TelemetryError.damagedImage(source: source, reason: image.reason)
            }
            // Other programs mean sRGB where they do not say; libpng would take 16 bits for linear light.
            image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
            return try Self.readPixels(of: &image, source: source)
        }
        self.init(
            width: Int(image.width), height: Int(image.height), channels: channels, pixels: pixels,
            text: PNGText.read(from: memory))
    }

    private static func readPixels(
        of image: inout png_image, source: String
    ) throws -> (channels: Channels, pixels: [UInt8]) {
        let isColor = image.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0
        let alpha = image.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA)
        let channels = isColor ? Channels.rgb : Channels.gray
        image.format = channels.pngFormat | alpha
        let count = Int(image.width) * Int(image.height)
        guard count <= pixelLimit else {
            throw TelemetryError.damagedImage(
                source: source, reason: "\(image.width) × \(image.height) pixels are more than \(pixelLimit)")
        }
        let samples = channels.rawValue + (alpha == 0 ? 0 : 1)
        var pixels = [UInt8](repeating: 0, count: count * samples)
        guard png_image_finish_read(&image, nil, &pixels, 0, nil) != 0 else {
            throw TelemetryError.damagedImage(source: source, reason: image.reason)
        }
        return (channels, alpha == 0 ? pixels : overWhite(pixels, samples: samples))
    }

    /// c · α + 1 − α of the values as they are, as browsers and Pillow do it; libpng would mix in linear light.
    private static func overWhite(_ pixels: [UInt8], samples: Int) -> [UInt8] {
        stride(from: 0, to: pixels.count, by: samples).flatMap { start in
            let alpha = Int(pixels[start + samples - 1])
            return pixels[start..<(start + samples - 1)].map { value in
                UInt8((Int(value) * alpha + 255 * (255 - alpha) + 127) / 255)
            }
        }
    }
}

extension PNGImage.Channels {
    fileprivate var pngFormat: png_uint_32 {
        switch self {
        case .gray: png_uint_32(PNG_FORMAT_GRAY)
        case .rgb: png_uint_32(PNG_FORMAT_FLAG_COLOR)
        case .rgba: png_uint_32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
        }
    }
}

extension png_image {
    /// libpng's own message.
    fileprivate var reason: String {
        withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
