// Sample leads for a Worker on this machine: what real visitors send, and what hostile ones do.

import { call } from "./api";

type Lead = Record<string, string>;

const LEADS: Lead[] = [
  { name: "Ada Lovelace", email: "ada@example.com", phone: "+44 20 7946 0958", company: "Analytical Engines", message: "We would like a quote for twelve machines, delivered to London in spring." },
  { name: "김민준", email: "minjun@example.kr", phone: "010-1234-5678", company: "한빛상사", message: "견적 문의드립니다. 예산은 천만 원이고 다음 달에 시작하고 싶습니다.", budget: "10000000" },
  { name: "Grace Hopper", email: "grace@example.com", message: "Does your plan include support on weekends?", utm_source: "newsletter", utm_campaign: "spring" },
  // The fake CRMs know these two addresses.
  { name: "이서연", email: "sample-refusing@example.com", message: "홈페이지 제작 상담을 받고 싶습니다. 오후에 연락 주세요." },
  { name: "Zoë Müller-Øster", email: "zoe@example.de", phone: "+49 30 901820", message: "Können Sie nächste Woche anrufen?\nAm besten vormittags." },
  { name: "ليلى حداد", email: "layla@example.com", message: "أرغب في معرفة أسعار الخدمة لفريق من عشرة أشخاص." },
  { name: `<img src=x onerror="alert(1)">`, email: "script@example.com", message: `"><script>alert(document.cookie)</script> '); DROP TABLE leads;--` },
  { name: "=HYPERLINK(\"http://example.com\")", email: "formula@example.com", message: "+1+1 is what a spreadsheet would compute. \u202Etxet desrever" },
  { name: "Winner", email: "prize@example.net", message: "Congratulations, you won!", _gotcha: "filled by a bot" },
  { name: "Katherine Johnson", email: "sample-down@example.com", message: "I wrote last week and had no answer yet. Could you call me?" },
];

/** Posts the leads through the forms in turn; how many were stored. An address may post ten a minute to a form. */
export async function sendSamples(forms: string[]): Promise<number> {
  let sent = 0;
  for (const [place, lead] of LEADS.entries()) {
    const form = forms[place % forms.length] ?? "";
    try {
      await call("POST", `/f/${encodeURIComponent(form)}`, new URLSearchParams(lead));
      sent++;
    } catch (error) {
      if (sent === 0) throw error;
    }
  }
  return sent;
}
