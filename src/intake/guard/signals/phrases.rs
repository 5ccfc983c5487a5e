//! Known junk: phrases by topic, each with its weight.
//!
//! A word that honest people use too weighs 1 or 2 (`대출`, a loan or a library's lending, is not even listed); what only
//! somebody says who sells it weighs 4 and more. A phrase counts once, however often it stands there. Phrases are written
//! as [`Text`] prepares them: whole words in lower case, or Korean without spaces.

use std::collections::BTreeMap;

use super::text::Text;
use super::{Signal, Weights};

type Phrases = &'static [(u32, &'static [&'static str])];

/// Phrases of whole words.
#[rustfmt::skip]
const WORDS: &[(Signal, Phrases)] = &[
    (Signal::Seo, &[
        (1, &["backlinks", "seo", "link building"]),
        (2, &["first page of google", "audit report", "target keywords", "website traffic"]),
        (3, &[
            "seo company", "seo services", "seo packages", "googles first page", "guest post", "guest posts",
            "sponsored post", "domain authority", "free audit", "whitehat", "not ranking on google",
        ]),
        (4, &["high da", "dofollow", "ranking keywords", "your website is not ranking", "improve your ranking"]),
        (5, &[
            "guaranteed ranking", "improve your ranks", "link insertion", "targeted visitors", "rank your website",
            "ссылки на ваш сайт", "продвижение в топ",
        ]),
        (6, &["real human traffic", "прогон сайта", "хрумером"]),
    ]),
    (Signal::Marketing, &[
        (3, &["email leads", "youtube views", "wikipedia pages", "qualified leads"]),
        (4, &["email lists", "email database", "instagram followers", "tiktok likes", "trustpilot reviews"]),
        (5, &["attendee list", "capture every visitor", "captures every visitors"]),
        (6, &["smm panel", "buy google reviews", "buy instagram followers"]),
        (7, &["contact form marketing", "contact forms of millions"]),
    ]),
    (Signal::Gambling, &[
        (1, &["casino", "promo code", "aviator"]),
        (2, &["real money", "sports betting", "casino client"]),
        (3, &["best casino", "live casino", "play casino", "play slots", "betting site", "казино"]),
        (4, &[
            "online casino", "no deposit bonus", "free spins", "first deposit bonus", "casino bonus", "bonus new member",
            "без депозита",
        ]),
        (5, &["deposit pulsa", "онлайн казино", "фриспины"]),
        (6, &["1xbet", "judi slot"]),
        (7, &["slot gacor", "situs judi"]),
    ]),
    (Signal::Crypto, &[
        (1, &["forex", "withdrawal"]),
        (2, &["airdrop", "presale"]),
        (3, &["trading forex", "trading signals", "100x", "in your wallet", "confirm the transfer", "bitcoin investment"]),
        (4, &[
            "connect your wallet", "free airdrop", "crypto gem", "guaranteed profit", "expert trader", "bitcoin back",
            "recovery expert", "go to withdrawal", "get btc",
        ]),
        (5, &["btc waiting", "btc transfer", "recovery hacker"]),
        (6, &["crypto giveaway", "financial robot"]),
        (7, &["double your bitcoin"]),
    ]),
    (Signal::Pharma, &[
        (1, &["viagra"]),
        (2, &["cialis", "levitra", "tramadol", "xanax", "ambien", "modafinil", "online pharmacy", "thc"]),
        (3, &["belly fat", "anabolic steroids", "cbd oil"]),
        (4, &["viagra online", "without prescription", "no prescription", "buy cbd", "cbd gummies"]),
        (5, &["buy viagra", "cheap cialis", "canadian pharmacy", "buy steroids", "buy hgh", "weird trick"]),
        (6, &["male enhancement", "keto gummies", "melt belly fat"]),
    ]),
    (Signal::Loans, &[
        (1, &["interest rate", "business loan"]),
        (2, &["pre approved", "working capital"]),
        (3, &["working capital loan", "lowest rates", "bad credit"]),
        (4, &[
            "no credit check", "no collateral", "loan offer", "loan funding", "fund your project", "get your loan",
            "no upfront fee",
        ]),
        (5, &["urgent loan", "bad credit ok"]),
        (6, &["all kinds of loans", "refinance your mortgage"]),
    ]),
    (Signal::EasyMoney, &[
        (1, &["per week", "per day"]),
        (2, &["working from home", "no experience", "gift card"]),
        (3, &["make money", "work from home", "on autopilot", "free gift"]),
        (4, &["passive income", "no skills required", "no experience required", "usd daily", "you have been selected"]),
        (5, &["claim your prize", "win an iphone", "free solar panels"]),
        (6, &["congratulations you have been selected", "lottery promotion", "your email won", "bucks generator"]),
    ]),
    (Signal::Adult, &[
        (2, &["escort", "xxx"]),
        (3, &["porn", "meet hot"]),
        (5, &["escort service", "teen sex"]),
        (6, &["sexy girls", "adult dating", "hot singles", "call girls", "sex cams"]),
        (7, &["free porn"]),
    ]),
    (Signal::Counterfeit, &[
        (2, &["replica"]),
        (4, &["accounts for sale", "купить аккаунты"]),
        (6, &["replica rolex", "replica handbags", "replica watches"]),
    ]),
    (Signal::Fraud, &[
        (1, &["bank details"]),
        (2, &["the estate of", "confidentially", "copyright infringement", "check the document"]),
        (3, &["beneficiary", "million dollars", "domain expires", "my evidence", "i will sue you"]),
        (4, &["using my copyrighted", "final notice", "avoid suspension", "write my essay", "plagiarism free"]),
        (5, &["next of kin", "inheritance fund", "listing is not verified", "essay writing service", "buy essay"]),
        (6, &["love spell", "spell caster"]),
    ]),
    (Signal::Pitch, &[
        (1, &[
            "came across your website", "are you interested", "if you are interested", "would you be interested",
            "price list", "quick question", "book now", "limited time", "within 24 hours", "best time to call",
            "hello sir", "cheapest",
        ]),
        (2, &[
            "was on your website", "reply to this email", "to unsubscribe", "click here", "press here", "order now",
            "buy now", "apply now", "affordable price", "very low cost", "prices start at", "instant delivery",
            "virtual assistant", "explainer video", "off first order", "today only",
        ]),
        (3, &[
            "i just found your website", "going through your website", "opt out", "act now", "limited time offer",
            "check our pricing", "greetings of the day", "would your business benefit", "like to introduce to you",
            "redesigning your website", "share your phone number", "best quality and best price", "get free quotes",
            "credit card processing fees",
        ]),
        (4, &["just checked your website", "like to unsubscribe", "can benefit your site", "see if you qualify"]),
        (5, &["homeowners in your area"]),
    ]),
];

/// Korean phrases, without spaces.
#[rustfmt::skip]
const KOREAN: &[(Signal, Phrases)] = &[
    (Signal::Seo, &[
        (1, &["상위노출"]),
        (2, &["블로그체험단", "웹문서"]),
        (3, &["백링크", "보장제", "카페바이럴", "프로그램판매"]),
        (5, &["상위노출보장", "미노출시"]),
    ]),
    (Signal::Marketing, &[
        (1, &["최신디비"]),
        (4, &["자동발송", "db판매"]),
        (5, &["팔로워늘리기", "좋아요늘리기", "대출db"]),
        (6, &["구독자구매"]),
    ]),
    (Signal::Gambling, &[
        (1, &["카지노", "바카라", "스포츠토토"]),
        (2, &["먹튀", "콤프"]),
        (3, &["파워볼", "가입코드", "가입즉시"]),
        (4, &["메이저사이트", "롤링지급", "총판모집", "프라그마틱", "고배당"]),
        (5, &["첫충", "매충", "본사총판", "온라인슬롯"]),
        (6, &[
            "카지노사이트", "바카라사이트", "토토사이트", "사설토토", "안전놀이터", "먹튀검증", "꽁머니", "파워볼사이트",
            "슬롯사이트", "에볼루션카지노", "온라인카지노", "배팅사이트", "베팅사이트",
        ]),
    ]),
    (Signal::Pharma, &[(1, &["비아그라"]), (2, &["시알리스", "레비트라"]), (5, &["처방전없이", "정품비아그라"])]),
    (Signal::Loans, &[
        (2, &["최저수수료", "개인통장", "법인통장", "해외선물"]),
        (3, &["무서류", "무방문", "급전", "고가매입"]),
        (4, &["무직자대출", "당일대출"]),
        (5, &["신용불량자대출", "상품권현금화", "대여계좌"]),
        (6, &["소액결제현금화", "신용카드현금화", "정보이용료현금화", "미납뚫"]),
    ]),
    (Signal::EasyMoney, &[
        (1, &["수익률", "부업", "무료체험"]),
        (2, &["주식리딩", "고수익", "하루30분", "초보가능"]),
        (3, &["리딩방"]),
        (4, &["급등주", "수익보장", "원금보장", "수익인증", "재택부업"]),
        (5, &["선물리딩", "고수익보장"]),
    ]),
    (Signal::Adult, &[
        (2, &["성인용품"]),
        (3, &["후불제", "최신주소"]),
        (4, &["야동", "룸싸롱"]),
        (5, &["출장안마", "출장마사지", "셔츠룸"]),
        (6, &["출장샵", "한국야동", "하이퍼블릭"]),
    ]),
    (Signal::Counterfeit, &[(3, &["레플리카", "11제작"]), (5, &["홍콩직수입"]), (6, &["미러급"])]),
    (Signal::Pitch, &[(1, &["대표님", "선착순", "최저가", "당일발송", "전액환불"])]),
];

/// Whether the signal is a topic, of which words alone are never enough.
pub(super) fn is_topic(signal: Signal) -> bool {
    signal != Signal::Pitch && WORDS.iter().chain(KOREAN).any(|(topic, _)| *topic == signal)
}

pub(super) fn weigh(text: &Text, weights: &mut Weights) {
    let words = text.words.match_indices(' ').map(|(at, _)| &text.words[at + 1..]);
    let is_word = |rest: &str, phrase: &str| rest.strip_prefix(phrase).is_some_and(|after| after.starts_with(' '));
    add(WORDS, &by_first_letter(words), is_word, weights);
    let letters = text.compact.char_indices().map(|(at, _)| &text.compact[at..]);
    add(KOREAN, &by_first_letter(letters), |rest, phrase| rest.starts_with(phrase), weights);
}

/// The places where a phrase can begin, so that each phrase is compared at few of them: a text may be long.
type Places<'a> = BTreeMap<char, Vec<&'a str>>;

fn by_first_letter<'a>(starts: impl Iterator<Item = &'a str>) -> Places<'a> {
    let mut places = Places::new();
    for rest in starts {
        if let Some(first) = rest.chars().next() {
            places.entry(first).or_default().push(rest);
        }
    }
    places
}

fn add(table: &[(Signal, Phrases)], places: &Places, is: impl Fn(&str, &str) -> bool, weights: &mut Weights) {
    let stands = |phrase: &str| {
        let places = phrase.chars().next().and_then(|first| places.get(&first));
        places.is_some_and(|places| places.iter().any(|rest| is(rest, phrase)))
    };
    for (signal, phrases) in table {
        for (weight, phrases) in *phrases {
            let count = phrases.iter().filter(|phrase| stands(phrase)).count();
            weights.add(*signal, weight * u32::try_from(count).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_written_as_texts_are_prepared() {
        for (_, phrases) in WORDS {
            for phrase in phrases.iter().flat_map(|(_, phrases)| *phrases) {
                assert_eq!(Text::new(phrase).words, format!(" {phrase} "));
            }
        }
        for (_, phrases) in KOREAN {
            for phrase in phrases.iter().flat_map(|(_, phrases)| *phrases) {
                assert_eq!(Text::new(phrase).compact, **phrase);
            }
        }
    }

    #[test]
    fn a_phrase_is_whole_words_and_counts_once() {
        let weigh = |text: &str| {
            let mut weights = Weights::default();
            super::weigh(&Text::new(text), &mut weights);
            weights.0.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(weigh("Online-Casino! online casino"), [(Signal::Gambling, 5)]);
        assert_eq!(weigh("online casinos"), []);
        assert_eq!(weigh("카지노 사이트, 카.지.노.사.이.트"), [(Signal::Gambling, 7)]);
        assert_eq!(weigh("토토로 인형, 도서 대출, 포토 토너"), []);
    }
}
