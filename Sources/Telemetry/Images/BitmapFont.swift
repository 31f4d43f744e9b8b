/// A fixed-width font of 5 × 7 dots, with one more row for descenders, for captions in pictures.
///
/// It covers printable ASCII; anything else is drawn as an empty box.
enum BitmapFont {
    static let glyphWidth = 5
    static let glyphHeight = 8
    /// From one character to the next.
    static let advance = 6

    /// Whether the dot at (x, y), from the glyph's top left corner, is set.
    static func isSet(_ character: Character, x: Int, y: Int) -> Bool {
        let index = Int(character.asciiValue ?? 0) - 0x20
        let glyph = glyphs.indices.contains(index) ? glyphs[index] : missing
        return glyph >> UInt64((glyphWidth - 1 - x) * 8 + y) & 1 == 1
    }

    private static let missing: UInt64 = 0x7F_4141_417F

    /// From space to tilde.
    ///
    /// Five columns from the left, a byte each, whose lowest bit is the top dot.
    private static let glyphs: [UInt64] = [
        0x00_0000_0000, 0x00_005F_0000, 0x00_0700_0700, 0x14_7F14_7F14, 0x24_2A7F_2A12,  //   ! " # $
        0x23_1308_6462, 0x36_4956_2050, 0x00_0007_0000, 0x00_1C22_4100, 0x00_4122_1C00,  // % & ' ( )
        0x14_083E_0814, 0x08_083E_0808, 0x00_8060_0000, 0x08_0808_0808, 0x00_6060_0000,  // * + , - .
        0x20_1008_0402, 0x3E_5149_453E, 0x00_427F_4000, 0x42_6151_4946, 0x21_4145_4B31,  // / 0 1 2 3
        0x18_1412_7F10, 0x27_4545_4539, 0x3C_4A49_4930, 0x01_7109_0503, 0x36_4949_4936,  // 4 5 6 7 8
        0x06_4949_291E, 0x00_3636_0000, 0x00_8066_0600, 0x08_1422_4100, 0x14_1414_1414,  // 9 : ; < =
        0x00_4122_1408, 0x02_0151_0906, 0x3E_415D_514E, 0x7E_1111_117E, 0x7F_4949_4936,  // > ? @ A B
        0x3E_4141_4122, 0x7F_4141_221C, 0x7F_4949_4941, 0x7F_0909_0901, 0x3E_4149_497A,  // C D E F G
        0x7F_0808_087F, 0x00_417F_4100, 0x20_4041_3F01, 0x7F_0814_2241, 0x7F_4040_4040,  // H I J K L
        0x7F_020C_027F, 0x7F_0408_107F, 0x3E_4141_413E, 0x7F_0909_0906, 0x3E_4151_215E,  // M N O P Q
        0x7F_0919_2946, 0x46_4949_4931, 0x01_017F_0101, 0x3F_4040_403F, 0x1F_2040_201F,  // R S T U V
        0x3F_4038_403F, 0x63_1408_1463, 0x07_0870_0807, 0x61_5149_4543, 0x00_7F41_4100,  // W X Y Z [
        0x02_0408_1020, 0x00_4141_7F00, 0x04_0201_0204, 0x80_8080_8080, 0x00_0102_0400,  // \ ] ^ _ `
        0x20_5454_5478, 0x7F_4844_4438, 0x38_4444_4428, 0x38_4444_487F, 0x38_5454_5418,  // a b c d e
        0x08_7E09_0102, 0x18_A4A4_A47C, 0x7F_0804_0478, 0x00_447D_4000, 0x40_8084_7D00,  // f g h i j
        0x7F_1028_4400, 0x00_417F_4000, 0x7C_0418_0478, 0x7C_0804_0478, 0x38_4444_4438,  // k l m n o
        0xFC_2424_2418, 0x18_2424_24FC, 0x7C_0804_0408, 0x48_5454_5420, 0x04_3F44_4020,  // p q r s t
        0x3C_4040_207C, 0x1C_2040_201C, 0x3C_4030_403C, 0x44_2810_2844, 0x1C_A0A0_A07C,  // u v w x y
        0x44_6454_4C44, 0x00_0836_4100, 0x00_007F_0000, 0x00_4136_0800, 0x08_0408_1008,  // z { | } ~
    ]
}
