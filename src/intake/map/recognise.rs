//! The common names of form fields, in English and Korean, and the lead fields that they mean.
//!
//! Names are compared without case, spaces, hyphens and brackets, and without what form builders put around them:
//! `your-email`, `contact[email]`, `form_fields[email]`, `emailField` and `email_1` are all `email`. Only whole names
//! count, never a part of one: `company_name` is a company, `username`, `email_preferences` and `fax` are nothing. A
//! name with two common meanings is left out, and so are `subject`, `title` (a job or a headline) and `제목`: what is
//! not recognised reaches the CRM in its note, what is recognised wrongly stands in the wrong place.
//!
//! Nothing here means [`LeadField::ConsentAt`]: when a visitor agreed is not the visitor's to say.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::domain::LeadField;
use crate::domain::control::is_control;

/// The lead field that a form field of this name means.
pub fn recognise(name: &str) -> Option<LeadField> {
    if is_control(name) || name.len() > LONGEST_BYTES {
        return None;
    }
    let bare = bare(name);
    let mut rest = bare.as_str();
    if rest.chars().count() > LONGEST {
        return None;
    }
    for _ in 0..=LAYERS {
        if NEVER.contains(&rest) {
            return None;
        }
        if let Some(field) = known(rest) {
            return Some(field);
        }
        rest = unwrapped(rest)?;
    }
    None
}

/// The name in lower case, letters and digits only.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// No name that means something is longer, wrapping included; a longer one is not worth the time.
const LONGEST: usize = 80;

/// The same before the name is read: so much with every bracket and space.
const LONGEST_BYTES: usize = 480;

/// No form builder puts more around a name (`form_fields[your-email-field]_1` has four layers), and every layer costs time.
const LAYERS: usize = 6;

fn known(bare: &str) -> Option<LeadField> {
    let listed = FIELDS.get(bare).copied();
    // Consents are worded in a hundred ways in Korean, and all of them end so; so do their refusals.
    let consent = || bare.ends_with("동의") && !bare.ends_with("미동의") && !bare.ends_with("비동의");
    listed.or_else(|| consent().then_some(LeadField::Consent))
}

/// The name without one layer of wrapping; `None` when there is none.
fn unwrapped(bare: &str) -> Option<&str> {
    let inner = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    if inner.len() < bare.len() {
        return Some(inner);
    }
    let suffix = SUFFIXES.iter().find_map(|suffix| bare.strip_suffix(suffix));
    let prefix = || PREFIXES.iter().find_map(|prefix| bare.strip_prefix(prefix));
    // HubSpot writes `0-1/email`, Jotform `q3_email`.
    let number = || {
        let number = bare.strip_prefix('q').unwrap_or(bare);
        let inner = number.trim_start_matches(|c: char| c.is_ascii_digit());
        (inner.len() < number.len()).then_some(inner)
    };
    suffix.or_else(prefix).or_else(number).filter(|inner| !inner.is_empty())
}

/// What stands before a name without changing it; a longer one before the shorter one that it begins with.
const PREFIXES: &[&str] = &[
    "formfields",
    "formfield",
    "formdata",
    "form",
    "fields",
    "field",
    "inputs",
    "input",
    "txt",
    "your",
    "my",
    "contactform",
    "contact",
    "submitted",
    "data",
    "billing",
    "customer",
    "client",
    "lead",
    "visitor",
    "sender",
    "etpb",
    "wpcf7",
    "mx",
    "고객님",
    "고객",
    "신청자",
    "담당자",
    "문의자",
    "작성자",
    "예약자",
    "신청인",
    "의뢰인",
    "귀하의",
    "본인",
];

/// What stands after a name without changing it.
const SUFFIXES: &[&str] = &["field", "input", "txt", "textbox", "required", "optional", "필수", "선택"];

/// Names that would lose their meaning with their wrapping.
const NEVER: &[&str] = &[
    "username",
    "formname",
    "formtitle",
    "formurl",
    "formsite",
    "formdescription",
    "formlanguage",
    "formlocale",
    "formlang",
    "formsource",
    "formref",
    "formaction",
    "fieldname",
    "inputname",
    "dataname",
    "datasource",
];

/// [`NAMES`] to look up: two hundred names of a stranger, with their wrappings, are thousands of look-ups.
static FIELDS: LazyLock<BTreeMap<&str, LeadField>> =
    LazyLock::new(|| NAMES.iter().flat_map(|(field, names)| names.iter().map(|name| (*name, *field))).collect());

#[rustfmt::skip]
const NAMES: &[(LeadField, &[&str])] = &[
    (LeadField::Name, &[
        "name", "fullname", "wholename", "personname", "contactperson", "contactpersonname", "customername",
        "clientname", "visitorname", "sendername", "author", "whatisyourname", "namefull", "fullnamefull",
        "이름", "성함", "성명", "고객명", "담당자", "담당자명", "신청자", "신청자명", "신청인", "작성자", "작성자명",
        "문의자", "문의자명", "예약자", "예약자명", "보내는사람", "보내는분", "고객성함", "이름성함", "성함이름",
    ]),
    (LeadField::FirstName, &[
        "firstname", "fname", "givenname", "forename", "namefirst", "namefirstname", "fullnamefirst", "namegiven",
        "firstnames", "given",
    ]),
    (LeadField::LastName, &[
        "lastname", "lname", "surname", "familyname", "namelast", "namelastname", "fullnamelast",
        "namefamily", "성", "성씨",
    ]),
    (LeadField::Email, &[
        "email", "emailaddress", "mail", "mailaddress", "emailaddr", "emailid", "eaddress", "workemail",
        "workemailaddress", "businessemail", "businessemailaddress", "corporateemail", "personalemail", "useremail",
        "primaryemail", "emailfrom", "whatisyouremail", "whatisyouremailaddress",
        "이메일", "메일", "이메일주소", "메일주소", "전자우편", "회사이메일", "업무용이메일", "업무이메일", "이메일계정",
    ]),
    (LeadField::Phone, &[
        "phone", "phonenumber", "phoneno", "telephone", "telephonenumber", "tel", "telno", "telnumber", "telnational",
        "mobile", "mobilenumber", "mobileno", "mobilephone", "mobilephonenumber", "phonemobile", "cell", "cellphone",
        "cellnumber", "cellphonenumber", "contactnumber", "contactno", "contactphone", "contactphonenumber",
        "contacttel", "workphone", "businessphone", "homephone", "dayphone", "daytimephone", "userphone",
        "primaryphone", "callbacknumber", "whatsapp", "whatsappnumber", "phonenumberfull", "phonefull",
        "whatisyourphonenumber",
        "전화", "전화번호", "연락처", "연락처번호", "연락번호", "연락가능번호", "연락가능한번호", "연락받을번호",
        "휴대폰", "휴대폰번호", "휴대전화", "휴대전화번호", "핸드폰", "핸드폰번호", "모바일", "폰번호", "유선전화",
        "회사전화", "회사전화번호", "전화연락처",
    ]),
    (LeadField::Company, &[
        "company", "companyname", "nameofcompany", "organization", "organisation", "organizationname",
        "organisationname", "org", "orgname", "business", "businessname", "employer", "firm", "firmname",
        "accountname", "agencyname", "brandname", "companyorganization", "companyorganisation",
        "회사", "회사명", "회사이름", "업체", "업체명", "업체이름", "기업", "기업명", "법인명", "상호", "상호명", "단체명",
        "기관", "기관명", "소속", "소속회사", "소속기관", "회사소속", "회사기관명", "회사단체명", "브랜드명",
    ]),
    (LeadField::JobTitle, &[
        "jobtitle", "job", "jobrole", "jobposition", "jobfunction", "position", "positiontitle", "role",
        "designation", "occupation", "organizationtitle", "worktitle", "titleposition",
        "직함", "직책", "직급", "직위", "직무", "직급직책", "직책직급",
    ]),
    (LeadField::Website, &[
        "website", "websiteurl", "websiteaddress", "site", "siteurl", "url", "web", "weburl", "webpage", "homepage",
        "homepageurl", "companywebsite", "companyurl", "businesswebsite",
        "홈페이지", "홈페이지주소", "웹사이트", "웹사이트주소", "사이트", "사이트주소", "회사홈페이지",
    ]),
    (LeadField::Message, &[
        "message", "messages", "msg", "messagetext", "messagebody", "comment", "comments", "commentsquestions",
        "questionscomments", "questionsorcomments", "note", "notes", "inquiry", "inquiries", "inquirydetails", "enquiry",
        "enquiries", "enquirydetails", "description", "question", "questions", "body", "content", "contents",
        "textarea", "feedback", "request", "details", "remarks", "additionalinformation", "additionalinfo",
        "additionalcomments", "additionaldetails", "projectdetails", "projectdescription", "howcanwehelp",
        "howcanwehelpyou", "howmaywehelp", "howmaywehelpyou", "tellusmore", "tellusaboutyourproject",
        "내용", "문의", "문의내용", "문의사항", "문의글", "문의하실내용", "문의상세", "상담내용", "상담문의", "메시지", "메세지",
        "메모", "질문", "질문내용", "요청사항", "요청내용", "상세내용", "기타문의", "기타사항", "비고", "코멘트", "남기실말씀",
        "남길말", "하고싶은말", "하고싶은말씀", "전하실말씀", "궁금한점", "본문",
    ]),
    (LeadField::Street, &[
        "address", "addresses", "street", "streetaddress", "streetname", "addr", "addressstreet", "addressline",
        "addressaddr", "addressstreetaddress", "mailingaddress", "mailingstreet", "postaladdress", "homeaddress",
        "주소", "상세주소", "도로명주소", "지번주소", "기본주소", "나머지주소", "주소상세", "자택주소",
    ]),
    (LeadField::City, &[
        "city", "cityname", "town", "towncity", "citytown", "locality", "suburb", "addresscity", "addresslevel2",
        "mailingcity", "도시", "시군구", "구군",
    ]),
    (LeadField::State, &[
        "state", "province", "region", "county", "prefecture", "stateprovince", "stateregion", "stateprovinceregion",
        "statecode", "addressstate", "addressprovince", "addressregion", "addresslevel1", "mailingstate",
        "시도", "지역", "광역시도",
    ]),
    (LeadField::PostalCode, &[
        "postalcode", "postal", "postcode", "zip", "zipcode", "zippostalcode", "zippostcode", "postalzipcode",
        "addresszip", "addresszipcode", "addresspostalcode", "addresspostcode", "mailingzip", "mailingpostalcode",
        "우편번호",
    ]),
    (LeadField::Country, &[
        "country", "countryname", "countrycode", "countryregion", "nation", "addresscountry", "mailingcountry",
        "국가", "나라", "국가명",
    ]),
    (LeadField::Source, &[
        "source", "leadsource", "referralsource", "howdidyouhear", "howdidyouhearaboutus", "howdidyouheaboutus",
        "howdidyoufindus", "hearaboutus", "heardaboutus", "heardfrom", "wheredidyouhearaboutus", "hdyhau",
        "유입경로", "알게된경로", "알게되신경로", "방문경로", "가입경로", "문의경로", "접수경로",
    ]),
    (LeadField::Consent, &[
        "consent", "consents", "consentcheckbox", "consentgiven", "gdpr", "gdprconsent", "gdpragreement", "agree",
        "agreed", "iagree", "agreement", "agreeterms", "agreetoterms", "agreeprivacy", "agreetoprivacypolicy",
        "accept", "acceptance", "accepted", "acceptterms", "acceptprivacy", "acceptprivacypolicy", "privacy",
        "privacypolicy", "privacyconsent", "privacyagree", "privacyagreement", "privacyaccepted",
        "dataprivacy", "dataprotection", "dataconsent", "dataprocessing", "dataprocessingconsent", "terms",
        "termsconsent", "termsagree", "termsaccepted", "termsandconditions", "termsconditions", "termsofservice",
        "termsofuse", "tos", "optin", "marketing", "marketingconsent", "marketingoptin", "marketingagree",
        "emailconsent", "emailoptin", "smsconsent",
        "개인정보", "개인정보수집", "개인정보처리방침", "개인정보동의여부", "개인정보수집및이용", "개인정보수집이용", "약관",
        "이용약관", "동의여부", "동의함", "동의합니다", "수신동의여부", "마케팅수신", "마케팅동의여부",
    ]),
    (LeadField::Locale, &["locale", "language", "languagecode", "lang", "preferredlanguage", "언어", "사용언어"]),
    (LeadField::UtmSource, &["utmsource"]),
    (LeadField::UtmMedium, &["utmmedium"]),
    (LeadField::UtmCampaign, &["utmcampaign"]),
    (LeadField::UtmTerm, &["utmterm"]),
    (LeadField::UtmContent, &["utmcontent"]),
    (LeadField::Gclid, &["gclid"]),
    (LeadField::Gbraid, &["gbraid"]),
    (LeadField::Wbraid, &["wbraid"]),
    (LeadField::Dclid, &["dclid"]),
    (LeadField::Fbclid, &["fbclid"]),
    (LeadField::Msclkid, &["msclkid"]),
    (LeadField::Ttclid, &["ttclid"]),
    (LeadField::LiFatId, &["lifatid"]),
    (LeadField::Twclid, &["twclid"]),
    (LeadField::Referrer, &[
        "referrer", "referer", "ref", "referrerurl", "refererurl", "referralurl", "referringurl", "httpreferer",
        "httpreferrer", "documentreferrer",
    ]),
    (LeadField::LandingPage, &[
        "landingpage", "landingpageurl", "landingurl", "landing", "entrypage", "entryurl", "firstpage", "sourceurl",
    ]),
];

#[cfg(test)]
mod tests;
