import { z } from "zod";

const text = (max: number) => z.string().trim().max(max);

/** What a visitor sends. Fields that the schema does not name are kept for the note. */
export const enquiry = z
  .object({
    name: text(200).min(1),
    email: z.email().max(254),
    phone: text(40).regex(/^[\d\s()+./-]{5,}$/).optional(),
    company: text(200).optional(),
    message: text(5000).min(1),
    utm_source: text(200).optional(),
    _gotcha: z.string().optional(),
  })
  .catchall(z.unknown());

const KNOWN = new Set(["name", "email", "phone", "message", "utm_source", "_gotcha"]);

/** The lead that StateSet's API takes. */
export interface Lead {
  firstName: string;
  lastName: string;
  email: string;
  phone?: string;
  leadSource: string;
  description: string;
}

/** Maps a valid enquiry to a lead; what has no field of its own goes to the description. */
export function toLead(data: z.infer<typeof enquiry>): Lead {
  const words = data.name.split(/\s+/);
  const lastName = words.pop() ?? "";
  const rest = Object.entries(data).filter(([name, value]) => !KNOWN.has(name) && value);
  return {
    firstName: words.join(" ") || lastName,
    lastName,
    email: data.email,
    ...(data.phone && { phone: data.phone }),
    leadSource: "website",
    description: [data.message, "", ...rest.map(([name, value]) => `${name}: ${value}`)].join("\n").trim(),
  };
}
