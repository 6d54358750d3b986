//! The instructions: 32 bits each, the operation in the lowest.
//!
//! ```text
//!  31     24 23     16 15      8 7      0
//! |    C    |    B    |    A    |   op   |    registers, constants, small numbers
//! |        Bx         |    A    |   op   |    Bx: a constant, or a jump + 32768
//! |              sJ             |   op   |    a jump
//! ```
//!
//! PUC's design, with the operands that PUC marks as "register or constant" split into operations of
//! their own, so that no operand needs a test. R is a register, K a constant.

macro_rules! operations {
    ($($(#[doc = $doc:literal])* $name:ident),* $(,)?) => {
        operations!(@ 0u8; $($(#[doc = $doc])* $name,)*);
    };
    (@ $at:expr; $(#[doc = $doc:literal])* $name:ident, $($rest:tt)*) => {
        $(#[doc = $doc])*
        pub(super) const $name: u8 = $at;
        operations!(@ $at + 1; $($rest)*);
    };
    (@ $at:expr;) => {
        /// How many operations there are: with all of six bits the dispatch needs no check.
        const COUNT: u8 = $at;
    };
}

operations! {
    /// R[A] = R[B]
    MOVE,
    /// R[A] = K[Bx]
    LOADK,
    /// R[A] = K[the next word]
    LOADKX,
    /// R[A] = B != 0; if C then skip one
    LOADBOOL,
    /// R[A..=B] = nil
    LOADNIL,
    /// R[A] = U[B]
    GETUPVAL,
    /// U[B] = R[A]
    SETUPVAL,
    /// R[A] = env[K[Bx]]
    GETGLOBAL,
    /// env[K[Bx]] = R[A]
    SETGLOBAL,
    /// As the two before (B = 0, B = 1) with K[the next word]
    GLOBALX,
    /// R[A] = R[B][R[C]]
    GETTABLE,
    /// R[A] = R[B][K[C]], a string
    GETFIELD,
    /// R[A] = R[B][C], a number
    GETINT,
    /// R[A][R[B]] = R[C]
    SETTABLE,
    /// R[A][K[B]] = R[C], a string
    SETFIELD,
    /// R[A][B] = R[C], a number
    SETINT,
    /// R[A] = {} with room for B list items and C fields, as "floating bytes"
    NEWTABLE,
    /// R[A+1] = R[B]; R[A] = R[B][K[C]]
    SELF,
    /// R[A+1] = R[B]; R[A] = R[B][R[C]]
    SELFR,
    /// R[A] = R[B] + R[C]
    ADD,
    SUB,
    MUL,
    DIV,
    MOD,
    POW,
    /// R[A] = R[B] + K[C]
    ADDK,
    SUBK,
    MULK,
    DIVK,
    MODK,
    POWK,
    /// R[A] = K[B] + R[C]
    KADD,
    KSUB,
    KMUL,
    KDIV,
    KMOD,
    KPOW,
    /// R[A] = -R[B]
    UNM,
    /// R[A] = not R[B]
    NOT,
    /// R[A] = #R[B]
    LEN,
    /// R[A] = R[B] .. ... .. R[C]
    CONCAT,
    /// pc += sJ
    JMP,
    /// if (R[B] == R[C]) != A then skip the jump that follows
    EQ,
    /// The same with K[C]
    EQK,
    /// if (R[B] < R[C]) != A then skip
    LT,
    LE,
    /// if (R[B] < K[C]) != A then skip
    LTK,
    LEK,
    /// if (R[B] > K[C]) != A then skip
    GTK,
    GEK,
    /// if truth(R[B]) != C then skip
    TEST,
    /// if truth(R[B]) == C then R[A] = R[B] else skip
    TESTSET,
    /// R[A], ... = R[A](R[A+1], ...): B-1 arguments, C-1 results, 0 for "up to the top"
    CALL,
    TAILCALL,
    /// return R[A], ...: B-1 values, 0 for "up to the top"
    RETURN,
    /// return, where no variable is captured
    RETURN0,
    /// return R[A], where no variable is captured
    RETURN1,
    /// R[A] -= R[A+2]; pc += sBx
    FORPREP,
    /// R[A] += R[A+2]; if R[A] is within R[A+1] then R[A+3] = R[A], pc += sBx
    FORLOOP,
    /// R[A+3], ... = R[A](R[A+1], R[A+2]), C results; if nil then skip the jump that follows
    TFORLOOP,
    /// R[A][(C-1)*50+i] = R[A+i] for 1..=B; B = 0: up to the top, C = 0: the next word
    SETLIST,
    /// Closes the variables from R[A] on
    CLOSE,
    /// R[A] = a closure of the Bx-th inner function
    CLOSURE,
    /// R[A], ... = ..., B-1 values, 0 for all
    VARARG,
}

const _: () = assert!(COUNT == 64);

/// Items that a table constructor stores at once.
pub(super) const FIELDS_PER_FLUSH: u32 = 50;
/// What is added to a signed Bx.
pub(super) const BIAS: i32 = 32768;

#[inline(always)]
pub(super) const fn abc(op: u8, a: u8, b: u8, c: u8) -> u32 {
    op as u32 | (a as u32) << 8 | (b as u32) << 16 | (c as u32) << 24
}

#[inline(always)]
pub(super) const fn abx(op: u8, a: u8, bx: u16) -> u32 {
    op as u32 | (a as u32) << 8 | (bx as u32) << 16
}

#[inline(always)]
pub(super) const fn op(instruction: u32) -> u8 {
    (instruction & 63) as u8
}

#[inline(always)]
pub(super) const fn a(instruction: u32) -> u8 {
    (instruction >> 8) as u8
}

#[inline(always)]
pub(super) const fn b(instruction: u32) -> u8 {
    (instruction >> 16) as u8
}

#[inline(always)]
pub(super) const fn c(instruction: u32) -> u8 {
    (instruction >> 24) as u8
}

#[inline(always)]
pub(super) const fn bx(instruction: u32) -> usize {
    (instruction >> 16) as usize
}

#[inline(always)]
pub(super) const fn sbx(instruction: u32) -> i32 {
    (instruction >> 16) as i32 - BIAS
}

#[inline(always)]
pub(super) const fn sj(instruction: u32) -> i32 {
    instruction as i32 >> 8
}

/// A count as a mantissa of three bits and an exponent of five, rounded up.
pub(super) const fn float_byte(count: u32) -> u8 {
    let mut mantissa = count;
    let mut exponent = 0;
    while mantissa >= 16 {
        mantissa = mantissa.div_ceil(2);
        exponent += 1;
    }
    if mantissa < 8 { mantissa as u8 } else { ((exponent + 1) << 3) | (mantissa as u8 - 8) }
}

/// What [`float_byte`] made a byte of, or a little more.
pub(super) const fn from_float_byte(byte: u8) -> usize {
    let exponent = byte >> 3;
    if exponent == 0 { byte as usize } else { ((byte & 7) as usize + 8) << (exponent - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_round_up_as_floating_bytes() {
        for count in 0..3000 {
            let back = from_float_byte(float_byte(count)) as u32;
            assert!(back >= count && back <= count + count / 8 + 1, "{count}: {back}");
        }
    }

    #[test]
    fn operands_come_back() {
        let word = abc(CONCAT, 1, 254, 255);
        assert_eq!((op(word), a(word), b(word), c(word)), (CONCAT, 1, 254, 255));
        let jump = abx(FORLOOP, 3, (-5 + BIAS) as u16);
        assert_eq!((sbx(jump), a(jump)), (-5, 3));
        assert_eq!(sj(u32::from(JMP) | ((-1i32) << 8) as u32), -1);
    }
}
