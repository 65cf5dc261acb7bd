//! What the numbers in this documentation mean: Q7, A16 and their like.
//!
//! # Quirks
//!
//! Servers that do what no RFC has, by the numbers that the documentation, the tests, the sandbox and
//! `popfetch doctor` give them. A server of such a kind …
//!
//! | quirk | what it does |
//! |---|---|
//! | <a id="q1"></a>Q1 | refuses a long initial response |
//! | <a id="q2"></a>Q2 | explains an OAuth failure in a challenge |
//! | <a id="q3"></a>Q3 | sends words where a challenge should be |
//! | <a id="q4"></a>Q4 | leaves out texts and spaces |
//! | <a id="q5"></a>Q5 | hides capabilities, or has no CAPA |
//! | <a id="q6"></a>Q6 | lists capabilities in one state only |
//! | <a id="q7"></a>Q7 | advertises PIPELINING and breaks |
//! | <a id="q8"></a>Q8 | ends its lines with bare LF |
//! | <a id="q9"></a>Q9 | lets a bare-LF `.` through on a CR LF connection |
//! | <a id="q10"></a>Q10 | does not stuff `.x` |
//! | <a id="q11"></a>Q11 | does not stuff at all, so that a `.` ends the message early |
//! | <a id="q12"></a>Q12 | glues the final dot to a last line without a line end |
//! | <a id="q13"></a>Q13 | is wrong about octets and counts |
//! | <a id="q14"></a>Q14 | is odd about unique-ids and numbers |
//! | <a id="q15"></a>Q15 | makes unique-ids anew |
//! | <a id="q16"></a>Q16 | answers DELE with an empty line, or with `+ERR` |
//! | <a id="q17"></a>Q17 | hangs up at a wrong password |
//! | <a id="q18"></a>Q18 | has no usable timestamp, or two |
//! | <a id="q19"></a>Q19 | advertises a mechanism that does not work |
//! | <a id="q20"></a>Q20 | refuses right credentials for a while |
//! | <a id="q21"></a>Q21 | gives no more after so much in a session |
//! | <a id="q22"></a>Q22 | shows a part only, and hides what was fetched |
//! | <a id="q23"></a>Q23 | has a TOP that is not RETR's beginning |
//! | <a id="q24"></a>Q24 | hangs or hangs up at CAPA |
//! | <a id="q25"></a>Q25 | deletes at QUIT what was read |
//! | <a id="q26"></a>Q26 | has back ends with different unique-ids, which take turns |
//! | <a id="q27"></a>Q27 | hangs up on whoever is silent |
//! | <a id="q28"></a>Q28 | has data of its own as the first message |
//! | <a id="q29"></a>Q29 | speaks another protocol on the port |
//! | <a id="q30"></a>Q30 | sends octets of every kind |
//! | <a id="q31"></a>Q31 | counts octets otherwise in mid session |
//! | <a id="q32"></a>Q32 | lists a message and refuses to send it |
//! | <a id="q39"></a>Q39 | breaks an answer off with `-ERR`, or in the middle of a line, and goes on with the next one |
//! | <a id="q41"></a>Q41 | has neither UIDL nor TOP |
//! | <a id="q42"></a>Q42 | renumbers after each DELE |
//! | <a id="q43"></a>Q43 | ignores DELE, or obeys only some |
//! | <a id="q44"></a>Q44 | writes into kept messages |
//! | <a id="q45"></a>Q45 | uses unique-ids again, or has numbers for them |
//! | <a id="q46"></a>Q46 | has no snapshot: mail arrives between two listings |
//! | <a id="q47"></a>Q47 | sends less than it listed |
//! | <a id="q51"></a>Q51 | shows real mail that mentions folder data as the first message |
//! | <a id="q52"></a>Q52 | has a TOP that shows no header, or less than it |
//! | <a id="q53"></a>Q53 | builds text anew at each RETR |
//! | <a id="q54"></a>Q54 | hangs or hangs up at CAPA after login, and keeps the maildrop locked |
//! | <a id="q57"></a>Q57 | lets a client log in and cannot open the maildrop then |
//! | <a id="q58"></a>Q58 | answers QUIT before it deletes |
//! | <a id="q59"></a>Q59 | counts lines that it does not send |
//! | <a id="q61"></a>Q61 | refuses DELE while another client holds the lock |
//!
//! # Requirements
//!
//! What is demanded of this crate (P), and attacks that it withstands (A), as far as the documentation
//! names them.
//!
//! | row | what it is about |
//! |---|---|
//! | <a id="a12"></a>A12 | a weaker mechanism forced |
//! | <a id="a14"></a>A14 | escapes for the terminal in a server's text |
//! | <a id="a16"></a>A16 | a token sent to another host |
//! | <a id="a5"></a>A5 | APOP collisions |
//! | <a id="p17"></a>P17 | channel bindings; where none of ours fits, the login goes on without |
//! | <a id="p19"></a>P19 | POP URLs; a mechanism named forbids others |
