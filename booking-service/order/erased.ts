/** The address of a buyer who was erased (infra/privacy); RFC 2606: no mail ever reaches it, and none is sent to it. */
export const ERASED_EMAIL = 'erased@erased.invalid';
